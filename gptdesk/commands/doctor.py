"""``gptdesk doctor``: checks versions, devices, folders, Qt and the bundled model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from gptdesk.doctor import Finding, examine
from gptdesk.folders import Folders

PROBLEMS_FOUND = 1
"""Exit status when anything is wrong."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command to the command line."""
    parser = commands.add_parser(
        "doctor",
        help="check the installation",
        description="Prints versions, devices, folders, Qt and the bundled model; exits with 1 if anything is wrong.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--updates", action="store_true", help="ask whether there is a newer version, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs all checks and returns the exit status."""
    findings = examine(Folders.of_this_user(), updates=options.updates)
    problems = _print_json(findings) if options.json else _print_lines(findings)
    return PROBLEMS_FOUND if problems else 0


def _print_lines(findings: Iterable[Finding]) -> int:
    """Prints the findings as they come and returns the number of problems."""
    section = ""
    problems = 0
    for finding in findings:
        if finding.section != section:
            section = finding.section
            print(section)
        print(f"  {finding.name:<20}{finding.value}", flush=True)
        if finding.problem is not None:
            problems += 1
            print(f"  {'':<20}! {finding.problem}")
    print(
        "Everything is in order." if not problems else f"{problems} problem{'s' if problems > 1 else ''}, marked with !"
    )
    return problems


def _print_json(findings: Iterable[Finding]) -> int:
    """Prints ``{"ok":…, SECTION: {NAME: VALUE}, "problems": […]}`` and returns the number of problems."""
    sections: dict[str, dict[str, str]] = {}
    problems = []
    for finding in findings:
        sections.setdefault(finding.section, {})[finding.name] = finding.value
        if finding.problem is not None:
            problems.append(f"{finding.name}: {finding.problem}")
    print(json.dumps({"ok": not problems, **sections, "problems": problems}, indent=2, ensure_ascii=False))
    return len(problems)
