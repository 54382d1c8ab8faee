"""The files of an archived session; nothing here needs Parquet."""

SESSION = "session.parquet"
RECORDS = "records.parquet"
JOURNAL = "journal.parquet"
FRAMES = "frames.parquet"
CHECKPOINTS = "checkpoints.parquet"
KEY = "key.json"  # only where the others are encrypted

FORMAT = "tapeline archive 1"
