"""The results as a Markdown table: one row per case and agent."""

from verdict import Verdict

HEADINGS = ["case", "agent", "written", "received", "missing", "duplicates", "garbled", "NUL bytes",
            "seconds", "remarks"]


def _row(case: str, agent: str, verdict: Verdict) -> list[str]:
    seconds = "" if verdict.seconds is None else f"{verdict.seconds:.2f}"
    numbers = [verdict.written, verdict.received, verdict.missing, verdict.duplicates, verdict.garbled,
               verdict.nul_bytes]
    inodes = f"{verdict.inodes_back} of {verdict.exchanged} inodes came back" if verdict.exchanged else ""
    remarks = "; ".join(filter(None, ["**exact**" if verdict.exact() else "", inodes, verdict.note]))
    return [case, agent, *(f"{number:,}" for number in numbers), seconds, remarks]


def markdown(results: list[tuple[str, str, Verdict]]) -> str:
    rows = [HEADINGS, ["---", "---", *["---:"] * 7, "---"], *(_row(*result) for result in results)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
