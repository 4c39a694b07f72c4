"""Counts the test cases in Meson's testlog.json: prints "PASSED FAILED".

A program's cases are what cmocka or unittest says it ran; one that says nothing is one case, and one
that skipped all of its cases is none. What was skipped is listed on stderr, and a test that skipped
for want of real MNIST counts as failed: here the data is present.
"""

import json
import re
import sys

CMOCKA = re.compile(r"\[  PASSED  \] (\d+) test")
UNITTEST = re.compile(r"^Ran (\d+) tests?", re.MULTILINE)
SKIPPED = re.compile(r"^.*(?:\[  SKIPPED \] \w|\.\.\. skipped|skipped=|skipping:).*$", re.MULTILINE)


def cases(test):
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    ran = sum(int(n) for pattern in (CMOCKA, UNITTEST) for n in pattern.findall(text))
    skipped = SKIPPED.findall(text)
    for line in skipped:
        print(f"{test['name']}: {line.strip()}", file=sys.stderr)
    good = test["result"] in ("OK", "SKIP") and not any("MNIST_BLAS_DATA" in line for line in skipped)
    if not good:
        print(f"{test['name']}: {test['result']}\n{text[-3000:]}", file=sys.stderr)
    return 0 if test["result"] == "SKIP" else max(ran, 1), good


def main():
    passed = failed = 0
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            ran, good = cases(json.loads(line))
            passed += ran if good else 0
            failed += 0 if good else 1
    print(passed, failed)


main()
