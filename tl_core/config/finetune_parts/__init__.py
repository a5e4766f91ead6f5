"""Parts of the settings of `finetune`: what keeps the pretraining, and what is done about other
domains.
"""
