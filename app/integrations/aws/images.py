"""The containers that SageMaker offers, by region: what jobs and endpoints run in unless a setting says else.

The tags and accounts are those of the SageMaker SDK 3.27.0's own tables, see reference and docs/sagemaker.md.
"""

ACCOUNT = "763104351884"
# Regions that have to be switched on for an account, and those of other partitions, keep their own copies.
ACCOUNTS = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}
# Hugging Face's image for training exists for cards only; on a processor it is PyTorch's own, and the
# program brings its other libraries along.
CPU_TRAINING = "pytorch-training:2.10-cpu-py313"
GPU_TRAINING = "huggingface-pytorch-training:2.9.0-transformers5.3.0-gpu-py312-cu130-ubuntu22.04"
CPU_SERVING = "huggingface-pytorch-inference:2.6.0-transformers5.5.3-cpu-py312-ubuntu22.04"
GPU_SERVING = "huggingface-pytorch-inference:2.6.0-transformers5.5.3-gpu-py312-cu124-ubuntu22.04"


def has_cards(instance_type: str) -> bool:
    return instance_type.startswith(("ml.g", "ml.p"))


def job_image(region: str, instance_type: str) -> str:
    """For processing and training alike: the same programs run in both."""
    return _address(region, GPU_TRAINING if has_cards(instance_type) else CPU_TRAINING)


def serving_image(region: str, instance_type: str) -> str:
    return _address(region, GPU_SERVING if has_cards(instance_type) else CPU_SERVING)


def _address(region: str, image: str) -> str:
    ending = ".cn" if region.startswith("cn-") else ""
    return f"{ACCOUNTS.get(region, ACCOUNT)}.dkr.ecr.{region}.amazonaws.com{ending}/{image}"
