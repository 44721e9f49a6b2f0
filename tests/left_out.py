"""What a test run leaves out, it says at its end; in CI leaving anything out is a failure."""

import os

import pytest

LEFT_OUT_IN_CI = 1


def skipped(session: pytest.Session) -> list[pytest.TestReport]:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    return list(reporter.stats.get("skipped", [])) if reporter else []


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") and skipped(session) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = LEFT_OUT_IN_CI


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    if not reports:
        return
    verdict = ", and in CI nothing may be" if os.environ.get("CI") else ""
    terminalreporter.section(f"LEFT OUT: {len(reports)}{verdict}", yellow=True, bold=True)
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {reason}")
