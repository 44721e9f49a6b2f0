"""The recipes of the review classifier: named sets of values for its parameters; the rest is as by default.

``docs/training.md`` has the figures they were chosen by.
"""

from ml.pipeline.definition import Recipe

RECIPES = (
    Recipe(
        "quick",
        "A first model in under five minutes on two cores: a sample, the lower layers frozen, one epoch.",
        {
            "balance_dataset": False,
            "train_rows": 9000,
            "sample": "square_root",
            "frozen_layers": 3,
            "epochs": 1,
            "learning_rate": 3e-4,
            "dropout": 0.0,
        },
    ),
    Recipe(
        "standard",
        "Three passes over a balanced training part.",
        {},
    ),
    Recipe(
        "best",
        "Every review, title and text, class weights: the strongest model, and the slowest.",
        {
            "balance_dataset": False,
            "max_seq_length": 160,
            "class_weights": "square_root",
        },
    ),
    Recipe(
        "labs",
        "The exact settings of the course's labs, their cap of 50 steps an epoch included.",
        {
            "fields": "text",
            "split_method": "labs",
            "balance_dataset": True,
            "epochs": 3,
            "learning_rate": 1e-5,
            "train_batch_size": 64,
            "train_steps_per_epoch": 50,
            "validation_batch_size": 64,
            "validation_steps_per_epoch": 50,
            "head": "label",
            "prior_correction": 0.0,
            "layer_decay": 1.0,
            "schedule": "constant",
            "warmup_share": 0.0,
            "weight_decay": 0.0,
            "min_macro_f1_margin": -1.0,
        },
    ),
)
