"""The parameters of the review classifier, by the step they belong to.

They carry the names of the labs this product replaces, in snake case, and every one of them reaches a step.
"""

from ml.pipeline.definition import Parameter

FEATURES, TRAINING, EVALUATION = "Features", "Training", "Evaluation and gate"

FEATURE_PARAMETERS = (
    Parameter(
        "fields",
        "text",
        "title_and_text",
        "What the model reads of a review. With title and text, a review without a title is fine too.",
        FEATURES,
        choices=("text", "title_and_text"),
    ),
    Parameter(
        "max_seq_length",
        "integer",
        128,
        "Tokens the model reads of a review; the rest is cut off. Time grows with it.",
        FEATURES,
        low=8,
        high=512,
    ),
    Parameter(
        "split_method",
        "text",
        "hash",
        "hash: each text keeps its side for ever, also when the data set grows. labs: complete rows only, "
        "balanced, then split at random, as the course's labs did.",
        FEATURES,
        choices=("hash", "labs"),
    ),
    Parameter(
        "train_split_percentage", "number", 0.9, "Share of the reviews to train on.", FEATURES, low=0, high=1
    ),
    Parameter(
        "validation_split_percentage",
        "number",
        0.05,
        "Share of the reviews by which the best epoch is chosen.",
        FEATURES,
        low=0,
        high=1,
    ),
    Parameter(
        "test_split_percentage",
        "number",
        0.05,
        "Share of the reviews that the reported figures are measured on. The three shares add up to 1.",
        FEATURES,
        low=0,
        high=1,
    ),
    Parameter(
        "balance_dataset",
        "boolean",
        True,
        "Thin out the training part until every class has as many reviews as the smallest.",
        FEATURES,
    ),
    Parameter(
        "train_rows",
        "integer",
        "all",
        "How many reviews of the training part to train on: all, or a sample of this size.",
        FEATURES,
        low=2,
        words=("all",),
    ),
    Parameter(
        "sample",
        "text",
        "proportional",
        "How a sample is drawn. proportional keeps each class's share; square_root takes more of the rare "
        "classes.",
        FEATURES,
        choices=("proportional", "square_root"),
    ),
    Parameter(
        "seed",
        "integer",
        42,
        "The same seed gives the same split and the same model.",
        FEATURES,
        low=0,
        high=2**32 - 1,
    ),
)

TRAINING_PARAMETERS = (
    Parameter(
        "encoder",
        "text",
        "bundled",
        "The pre-trained encoder to start from: bundled (all-MiniLM-L6-v2), a directory on the worker, or a "
        "name on the Hugging Face hub such as FacebookAI/roberta-base.",
        TRAINING,
    ),
    Parameter(
        "epochs", "integer", 3, "How often the model sees every training review.", TRAINING, low=1, high=100
    ),
    Parameter(
        "learning_rate",
        "number",
        1e-4,
        "The highest step size. Larger learns faster, too large forgets what the encoder knew.",
        TRAINING,
        low=1e-7,
        high=1e-2,
    ),
    Parameter("train_batch_size", "integer", 32, "Reviews a training step.", TRAINING, low=1, high=1024),
    Parameter(
        "train_steps_per_epoch",
        "integer",
        "all",
        "Training steps in an epoch: all, or at most this many.",
        TRAINING,
        low=1,
        words=("all",),
    ),
    Parameter(
        "validation_batch_size", "integer", 64, "Reviews a validation step.", TRAINING, low=1, high=4096
    ),
    Parameter(
        "validation_steps_per_epoch",
        "integer",
        "all",
        "Validation steps after an epoch: all, or at most this many.",
        TRAINING,
        low=1,
        words=("all",),
    ),
    Parameter(
        "run_validation",
        "boolean",
        True,
        "Validate after each epoch and keep the best one; otherwise the last epoch is kept.",
        TRAINING,
    ),
    Parameter(
        "freeze_bert_layer",
        "boolean",
        False,
        "Leave the whole encoder as it came and train the head only. Fast, and measured to be worse.",
        TRAINING,
    ),
    Parameter(
        "frozen_layers",
        "integer",
        0,
        "Leave the embeddings and this many of the lowest layers as they came. 0 trains everything.",
        TRAINING,
        low=0,
        high=48,
    ),
    Parameter(
        "head",
        "text",
        "stars",
        "stars: learn the rating and sum it up to the labels, where every review has a rating. label: learn "
        "the labels directly.",
        TRAINING,
        choices=("label", "stars"),
    ),
    Parameter(
        "class_weights",
        "text",
        "none",
        "How much more a review of a rare class counts in training.",
        TRAINING,
        choices=("none", "square_root", "balanced"),
    ),
    Parameter(
        "prior_correction",
        "number",
        0.5,
        "Thinning out and class weights teach false shares of the classes. 1 puts the true ones back, 0 "
        "leaves them; between, rare classes are found a little more often.",
        TRAINING,
        low=0,
        high=1,
    ),
    Parameter(
        "layer_decay",
        "number",
        0.9,
        "Each layer learns at this share of the rate of the one above it. 1 is the same for all.",
        TRAINING,
        low=0.1,
        high=1,
    ),
    Parameter(
        "label_smoothing",
        "number",
        0.0,
        "How far the model is kept from certainty in training.",
        TRAINING,
        low=0,
        high=0.5,
    ),
    Parameter(
        "schedule",
        "text",
        "linear",
        "Whether the learning rate falls to zero (linear) or stays (constant) after the warm-up.",
        TRAINING,
        choices=("linear", "constant"),
    ),
    Parameter(
        "warmup_share",
        "number",
        0.1,
        "Share of all steps over which the learning rate rises.",
        TRAINING,
        low=0,
        high=0.9,
    ),
    Parameter(
        "weight_decay", "number", 0.01, "How strongly weights are pulled to zero.", TRAINING, low=0, high=1
    ),
    Parameter(
        "dropout",
        "number",
        0.1,
        "Share of the network switched off at random in training. 0 saves time on a CPU.",
        TRAINING,
        low=0,
        high=0.9,
    ),
    Parameter(
        "precision",
        "text",
        "auto",
        "The numbers training computes in. auto takes bfloat16 where the machine is fast in it.",
        TRAINING,
        choices=("auto", "float32", "bfloat16"),
    ),
)

EVALUATION_PARAMETERS = (
    Parameter(
        "min_accuracy_value",
        "number",
        0.33,
        "The gate: the accuracy on the test part must reach this.",
        EVALUATION,
        low=0,
        high=1,
    ),
    Parameter(
        "min_macro_f1_margin",
        "number",
        0.0,
        "The gate: how far the lower end of macro-F1's interval must stand above guessing. -1 turns it off.",
        EVALUATION,
        low=-1,
        high=1,
    ),
    Parameter(
        "model_approval_status",
        "text",
        "PendingManualApproval",
        "The status a version is registered with. Only a person can approve it.",
        EVALUATION,
        choices=("PendingManualApproval", "Rejected"),
    ),
)
