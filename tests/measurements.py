"""What a measurement may say of a machine on which other programs run as well."""

from __future__ import annotations


def had_time(said: str) -> bool:
    """Whether a measurement judged; False if it says that the machine was too busy for that.

    Only where it is true may a test ask for what a busy machine cannot keep.

    Parameters
    ----------
    said : str
        The measurement's reading, or its verdict.
    """
    judged = any(word in said for word in ("Verdict", "agree", "inside", "outside"))
    gave_up = "No verdict: this machine was too busy" in said
    assert judged != gave_up, said
    return judged
