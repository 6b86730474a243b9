#!/usr/bin/env python3
"""Counts test cases in ctest's JUnit files and prints "N passed, N failed, N skipped".

A test program that prints Catch2's summary counts with its cases, any other test as one. A program
that died before its summary is one failure, whatever it did before.
"""

import re
import sys
import xml.etree.ElementTree as xml_tree

ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)", re.MULTILINE)
SOME_FAILED = re.compile(r"^test cases:(.*)$", re.MULTILINE)


def cases_of(test):
    """(passed, failed, skipped) of one <testcase>."""
    status = test.get("status")
    output = test.findtext("system-out") or ""
    if status in ("disabled", "notrun"):
        return (0, 0, 1)
    if test.find("skipped") is not None:
        return (0, 0, 1)
    failed = status == "fail" or test.find("failure") is not None
    summary = SOME_FAILED.search(output)
    if failed and summary:
        count = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", summary[1])}
        return (count.get("passed", 0), max(1, count.get("failed", 0)), 0)
    if failed:
        return (0, 1, 0)
    whole = ALL_PASSED.search(output)
    return (int(whole[1]) if whole else 1, 0, 0)


def main(paths):
    totals = [0, 0, 0]
    for path in paths:
        for test in xml_tree.parse(path).getroot().iter("testcase"):
            totals = [total + one for total, one in zip(totals, cases_of(test))]
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 0 if totals[1] == 0 and totals[0] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
