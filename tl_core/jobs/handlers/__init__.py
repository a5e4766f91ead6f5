"""What a worker does for each kind of run; `tl_core.config.kinds` names these functions."""
