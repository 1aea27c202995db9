"""What MLflow shows on the page of a search: its state, the ranking with links to the trials, what mattered, what was rejected."""

from collections.abc import Mapping, Sequence

from .importance import Importances
from .outcome import Direction, Outcome, points_once, ranked
from .ranking import in_order
from .wording import NONE, count_text, counted, duration, headings, reasons, rejections, score_text, states, value_of, varying

LIMIT = 8000
"""Characters of MLflow's `mlflow.note.content`."""

LONGEST = 200
"""Characters of a text that others wrote, such as a reason of failure."""

UNBROKEN = "\u00a0"
"""A space at which MLflow, whose tables are narrow, does not break a number from its unit."""

_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|#~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"}
)
"""What MLflow's renderer (Showdown, as GitHub writes Markdown) takes for markup; it knows no backslash before the last four."""


def ranking_note(
    outcomes: Sequence[Outcome],
    objective: str,
    direction: Direction,
    links: Mapping[str, str] | None = None,
    *,
    name: str | None = None,
    planned: int | None = None,
    importances: Importances | None = None,
    rejected: Mapping[str, int] | None = None,
    remark: str | None = None,
    pages: Mapping[str, str] | None = None,
    limit: int = LIMIT,
) -> str:
    """The state of a search and the ranking of its trials, as Markdown for MLflow's `mlflow.note.content`.

    Args:
        outcomes: of the search, finished or not.
        objective: the name of the score.
        direction: whether a high score is good, or a low one.
        links: the address of a trial's run, by trial.
        name: of the search.
        planned: trials that the search is to have; None where it is not known.
        importances: what `importance` found.
        rejected: how many points were rejected before training, by reason.
        remark: why the search has ended before all of its trials.
        pages: addresses of the `table` and the `charts` of the search's trials.
        limit: characters; rows of the table that do not fit are left out, whole, from the last one on, and counted.

    >>> done = [Outcome("000", {"filters": 8}, "completed", score=0.8), Outcome("001", {"filters": 16}, "completed", score=0.9)]
    >>> print(ranking_note(done, "val/accuracy", "max", {"001": "#/experiments/1/runs/a"}, planned=3).splitlines()[0])
    ### 2 of 3 trials. Best val/accuracy: 0.9000, trial [001](#/experiments/1/runs/a)
    """
    links = links or {}
    before = [_heading(outcomes, objective, direction, links, name, planned), *_pages(pages or {}), *_facts(outcomes)]
    before += [escaped(remark)] if remark else []
    after = _after(importances, rejected)
    fixed = sum(len(part) + 2 for part in [*before, *after])
    table = _table(outcomes, objective, direction, links, limit - fixed - 2)
    text = "\n\n".join([*before, *table, *after])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def escaped(text: str, longest: int = LONGEST) -> str:
    """Text of others within Markdown: on one line, with its special characters taken literally.

    >>> print(escaped("out of | memory at conv_1"))
    out of \\| memory at conv\\_1
    """
    line = " ".join(text.split())
    return (line if len(line) <= longest else line[: longest - 1] + "…").translate(_SPECIAL)


def _heading(outcomes, objective, direction, links, name, planned) -> str:
    ended = sum(o.status != "running" for o in outcomes)
    of = f"{ended} of {counted(planned, 'trial')}" if planned else counted(ended, "trial")
    best = ranked(outcomes, direction)
    words = f"Best {escaped(objective)}: {score_text(best[0])}, trial {_link(best[0], links)}" if best else "No score yet"
    return f"### {escaped(name) + ': ' if name else ''}{of}. {words}"


def _pages(pages: Mapping[str, str]) -> list[str]:
    """Links near the beginning, since MLflow folds what comes after some lines."""
    said = {"table": "All trials, sorted by score", "charts": "Charts: hyperparameters against score, predictions side by side"}
    found = [f"[{words}]({pages[name]})" for name, words in said.items() if name in pages]
    return [" · ".join(found)] if found else []


def _facts(outcomes: Sequence[Outcome]) -> list[str]:
    """How many trials are in which state and why, and what all of it took."""
    if not outcomes:
        return []
    said = ", ".join(f"{count} {status}" for status, count in states(outcomes).items())
    spent = f"{duration(sum(o.seconds for o in outcomes))} of training, {sum(o.epochs for o in outcomes)} epochs"
    found = reasons(outcomes)
    why = [f"- failed, {counted(count, 'trial')}: {escaped(reason)}" for reason, count in found[:8]]
    more = [f"- and {counted(len(found) - 8, 'further reason')}"] if len(found) > 8 else []
    return [f"{said}; {spent}.", *(["\n".join(why + more)] if why else [])]


def _after(importances: Importances | None, rejected: Mapping[str, int] | None) -> list[str]:
    parts = [] if importances is None else [_mattered(importances)]
    if found := rejections(rejected):
        rows = [f"- {count:,}: {escaped(reason)}" for reason, count in found[:8]]
        more = [f"- {sum(n for _, n in found[8:]):,}: {counted(len(found) - 8, 'further reason')}"] if len(found) > 8 else []
        parts.append("**Rejected before training** (these count neither as trials nor as failures)\n\n" + "\n".join(rows + more))
    return parts


def _mattered(found: Importances) -> str:
    if found.doubt is not None:
        return f"**What mattered.** Nothing can be concluded, since {escaped(found.doubt)}."
    head = f"**What mattered**: share of what the hyperparameters explain, from {counted(found.trials, 'trial')} (R² {found.explained:.2f})"
    rows = [
        f"- {escaped(i.name)}: {i.share:.0%} ({i.low:.0%} to {i.high:.0%}){'' if i.matters else ', not told apart from nothing'}"
        for i in found.found[:12]
    ]
    return head + "\n\n" + "\n".join(rows)


def _table(outcomes, objective, direction, links, room: int) -> list[str]:
    """The table and, where rows do not fit into `room` characters, how many are left out."""
    if not outcomes:
        return []
    names = varying(outcomes)
    titles = ["rank", "trial", escaped(objective), *map(escaped, headings(names)), "parameters", "MACs", "time", "status"]
    head = [row(titles), row(["---:", "---", *["---"] * (1 + len(names)), *["---:"] * 3, "---"])]
    rows = [row(_cells(rank, outcome, names, links)) for rank, outcome in in_order(points_once(outcomes), direction)]
    kept = _fitting(head, rows, room)
    if kept == len(rows):
        return ["\n".join(head + rows)]
    left_out = f"{counted(len(rows) - kept, 'trial')} more, all of them in trials.csv."
    return ["\n".join(head + rows[:kept]), left_out] if kept else [left_out]


def _fitting(head: Sequence[str], rows: Sequence[str], room: int) -> int:
    """How many rows fit, together with the line that counts the others."""
    if sum(len(line) + 1 for line in [*head, *rows]) <= room:
        return len(rows)
    used, kept = sum(len(line) + 1 for line in head) + 60, 0
    while used + len(rows[kept]) + 1 <= room:
        used, kept = used + len(rows[kept]) + 1, kept + 1
    return kept


def _cells(rank: int | None, outcome: Outcome, names: Sequence[str], links: Mapping[str, str]) -> list[str]:
    values = [escaped(value_of(outcome, name)) for name in names]
    costs = [count_text(outcome.parameters), count_text(outcome.macs), duration(outcome.seconds)]
    why = f": {escaped(outcome.reason)}" if outcome.reason and outcome.status in ("failed", "pruned") else ""
    numbers = [text.replace(" ", UNBROKEN) for text in (score_text(outcome), *costs)]
    return [str(rank or NONE), _link(outcome, links), numbers[0], *values, *numbers[1:], outcome.status + why]


def _link(outcome: Outcome, links: Mapping[str, str]) -> str:
    target = links.get(outcome.trial)
    return f"[{escaped(outcome.trial)}]({target})" if target else escaped(outcome.trial)


def row(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
