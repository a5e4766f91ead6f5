"""Terms of learning, of data, and of using a model."""

from __future__ import annotations

from tl_core.glossary.term import Term

LEARNING: tuple[Term, ...] = (
    Term(
        "Transfer learning",
        "Using what a network has learnt from millions of other items, so that a few hundred of"
        " your own are enough.",
    ),
    Term(
        "Backbone",
        "The pretrained network that a training starts from; it turns an item into features.",
        "",
        ("pretrained network",),
    ),
    Term(
        "Features",
        "The numbers that the backbone makes of an item; similar items get similar numbers.",
        "",
        ("embedding",),
    ),
    Term(
        "Similar items",
        "Items whose features point the same way as those of an example; how alike two are is the"
        " cosine between them: 1 for the same direction, 0 for nothing in common.",
        "Read it as an order, not as a probability: which cosines are high depends on the"
        " backbone.",
        ("cosine similarity",),
    ),
    Term(
        "Head",
        "The last layer, which turns features into a probability for each of your classes.",
        "",
        ("classifier",),
    ),
    Term(
        "Probe",
        "The backbone stays as it is, and only a linear classifier on its features is fitted.",
        "Seconds instead of minutes, and often close to the best with few labels.",
        ("linear probe",),
    ),
    Term(
        "Episode",
        "A small task drawn from data that are there already: a few classes (ways) with a few"
        " labels each (shots), and other items to be judged by.",
        "Learning over many episodes teaches how to learn the next task from few labels.",
        ("few-shot episode",),
    ),
    Term(
        "Prototypes",
        "Each class is the mean of the features of its labelled items; a new item gets the class"
        " with the nearest mean.",
        "Prototypical networks (Snell et al., 2017) learn the space of the features over episodes.",
        ("prototypical network",),
    ),
    Term(
        "MAML",
        "A network whose first weights are learnt over episodes, so that a few steps on a new task"
        " are enough.",
        "Model-agnostic meta-learning (Finn et al., 2017). ANIL (Raghu et al., 2020) moves the"
        " classifier alone in these steps. A probe is hard to beat: it stands beside them.",
        ("ANIL", "meta-learning"),
    ),
    Term(
        "Fine-tuning",
        "The backbone's own weights move as well. More can be reached, and more can go wrong.",
    ),
    Term(
        "LP-FT",
        "First the classifier alone, then everything: the backbone is not pulled about by a"
        " classifier that knows nothing yet.",
        "Linear probing, then fine-tuning.",
    ),
    Term(
        "Continued pretraining",
        "The backbone goes on learning from your own items, without their labels, before any class"
        " is learnt.",
        "Helps where there are many items that read or look unlike what the backbone knows.",
        ("domain-adaptive pretraining",),
    ),
    Term(
        "Masked language modelling",
        "Words of a text are hidden, and the network learns to say which they were.",
        "",
        ("MLM",),
    ),
    Term(
        "SimCLR",
        "Two variations of one item are pulled together, those of all other items pushed apart.",
        "What the variations change, the network learns to overlook.",
        ("contrastive pretraining",),
    ),
    Term(
        "Self-training",
        "A model labels items without a class as far as it is sure, and learns from these labels in"
        " the next round.",
        "Sure mistakes are learnt as well, so the best round by held-out items is kept.",
        ("pseudo-label",),
    ),
    Term(
        "Distillation",
        "A small model, the student, learns what a large trained one, the teacher, says of the"
        " items.",
        "The student is faster; how much accuracy that costs is measured on the same items.",
        ("teacher", "student"),
    ),
    Term(
        "Gradual unfreezing",
        "Layers begin to learn one after the other, from the output towards the input.",
    ),
    Term(
        "Frozen layers",
        "Layers that keep their pretrained weights while the others learn.",
        "",
        ("freezing",),
    ),
    Term(
        "LoRA",
        "Small additional weights learn beside the frozen ones and are merged in at the end.",
        "Far fewer numbers move, so it needs less memory. The rank says how many.",
    ),
    Term(
        "Learning rate",
        "How far the weights move with each step. Too high forgets, too low does not arrive.",
    ),
    Term(
        "Layer-wise learning rate decay",
        "Layers near the input move less than those near the output, as they hold what is general.",
        "rate of a layer = rate * decay ^ (depth from the output).",
        ("discriminative learning rates",),
    ),
    Term("Epoch", "One pass over all training items."),
    Term("Batch size", "How many items one step looks at together."),
    Term(
        "Augmentation",
        "Showing each item a little changed each time (cropped, mirrored), so that the model"
        " learns"
        " what matters.",
    ),
    Term(
        "Class weights",
        "Mistakes on rare classes cost more while learning, so that they are not ignored.",
        "Recall of rare classes rises, precision may fall.",
    ),
    Term(
        "Weight decay",
        "A pull towards small weights; it keeps the model simple.",
        "",
        ("regularisation",),
    ),
    Term(
        "Early stopping",
        "Training ends when the validation score has not improved for some epochs; the best"
        " state"
        " is kept.",
        "",
        ("patience",),
    ),
    Term(
        "Ensemble",
        "Several models answer together; the mean of their probabilities is often better"
        " than each"
        " alone.",
    ),
)

DATA: tuple[Term, ...] = (
    Term(
        "Near-duplicates",
        "Items that are almost the same, such as two photos of one moment.",
        "In training and test at once they make the score look better than it is.",
        ("duplicates",),
    ),
    Term(
        "Leak",
        "Something in the test that the model has seen in training, or that gives the class away.",
        "The score is then too good to be true.",
        ("leakage",),
    ),
    Term(
        "Shortcut",
        "Something that goes with a class by accident, such as the size of the photos of a class.",
        "The model learns it instead of the class, and fails elsewhere.",
    ),
    Term(
        "Label noise",
        "Items with the wrong class. They cap the score that can be reached, and mislead learning.",
        "",
        ("wrong labels",),
    ),
    Term(
        "Active learning",
        "The model helps to choose which items people label next: those from which it learns most.",
        "It saves labels where it works; that is measured against labels drawn at random.",
        ("strategy of labelling",),
    ),
    Term(
        "Cohen's kappa",
        "How far two people agree on the same items, beyond what chance would bring: 1 is full"
        " agreement, 0 no more than chance.",
        "(agreement − agreement by chance) / (1 − agreement by chance).",
        ("kappa", "agreement"),
    ),
    Term(
        "Split",
        "How the items are shared out to training, validation and test.",
        "What belongs together (a customer, a video) must stay on one side.",
    ),
    Term(
        "Preparation",
        "What was done to an item before the model saw it: columns joined, texts repaired."
        " It is"
        " done to new items, too.",
    ),
)

USING: tuple[Term, ...] = (
    Term(
        "Threshold",
        "How sure the model must be to answer by itself; below it, a person decides.",
        "A higher one makes fewer mistakes and leaves more to people.",
        ("abstain", "abstaining"),
    ),
    Term("Coverage", "The share of items that the model answers by itself at a threshold."),
    Term(
        "Conformal sets",
        "Instead of one class, a short list that holds the right one as often as promised.",
        "At 90 %, the true class is in the list 90 times in 100; unsure items get longer lists.",
        ("conformal prediction", "prediction set"),
    ),
    Term(
        "Explanation",
        "Which words or parts of a picture speak for an answer.",
        "Two methods that agree are better than one; the deletion test says whether to trust them.",
        ("relevance", "saliency"),
    ),
    Term(
        "Bundle",
        "A folder with the model and everything that it takes to use it elsewhere, verified.",
    ),
    Term(
        "Drift",
        "What the model is asked has become unlike what it was trained on.",
        "A difference beyond chance says where to look; whether answers have become worse, only"
        " labels can tell.",
        ("data drift", "dataset shift"),
    ),
    Term(
        "Population stability index",
        "How far the shares of classes, or of confidence, have moved from those of the training.",
        "The sum over groups of (q - p) ln(q / p). By custom below 0.1 is little and above 0.25"
        " much; here it is compared with what chance shows at so many items.",
        ("psi",),
    ),
    Term(
        "Maximum mean discrepancy",
        "How far two crowds of items are apart in what the model reads of them.",
        "The squared distance of their means under a Gaussian kernel (MMD²); 0 when they are"
        " alike.",
        ("mmd",),
    ),
    Term(
        "Canary",
        "A second model that answers a small share of the requests before it replaces the first.",
        "The first answers them, too, so that the two are compared on the same items.",
        ("canary release",),
    ),
    Term("ONNX", "A file format for models that many programs can run without PyTorch."),
    Term(
        "8 bits",
        "Weights kept as small whole numbers: a quarter of the size, at a little loss of accuracy.",
        "",
        ("int8", "quantisation"),
    ),
)
