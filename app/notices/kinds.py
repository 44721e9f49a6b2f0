"""What each kind of notice is called, under which heading it is chosen, and which mark it bears."""

from dataclasses import dataclass

from app.notices.tables import Kind


@dataclass(frozen=True)
class About:
    """``word`` stands in the list, ``choice`` beside its switch under Settings."""

    word: str
    choice: str
    pill: str
    mark: str


ABOUT: dict[Kind, About] = {
    Kind.RUN_SUCCEEDED: About("Run succeeded", "A run of mine succeeded", "ok", "check"),
    Kind.RUN_FAILED: About("Run failed", "A run of mine failed", "bad", "x"),
    Kind.RUN_CANCELLED: About("Run cancelled", "Somebody else cancelled a run of mine", "idle", "stop"),
    Kind.GATE_CLOSED: About("Gate closed", "A run of mine did not pass the gate", "warn", "warn"),
    Kind.IMPORT_READY: About("Import ready", "A data set that I uploaded is ready", "ok", "check"),
    Kind.IMPORT_DOUBTFUL: About("Confirmation", "An import of mine waits for confirmation", "warn", "warn"),
    Kind.IMPORT_FAILED: About("Import failed", "An import of mine failed", "bad", "x"),
    Kind.VERSION_WAITS: About("Approval", "A model version waits that I may decide on", "warn", "lock"),
    Kind.VERSION_APPROVED: About("Approved", "A model version of mine was approved", "ok", "check"),
    Kind.VERSION_REJECTED: About("Rejected", "A model version of mine was rejected", "bad", "x"),
    Kind.VERSION_VOIDED: About("Voided", "A model version lost its approval with its files", "bad", "warn"),
}
GROUPS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("Runs", (Kind.RUN_SUCCEEDED, Kind.GATE_CLOSED, Kind.RUN_FAILED, Kind.RUN_CANCELLED)),
    ("Data sets", (Kind.IMPORT_READY, Kind.IMPORT_DOUBTFUL, Kind.IMPORT_FAILED)),
    (
        "Model versions",
        (Kind.VERSION_WAITS, Kind.VERSION_APPROVED, Kind.VERSION_REJECTED, Kind.VERSION_VOIDED),
    ),
)
