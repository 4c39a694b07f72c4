"""tune: its output is valid shell, consistent, and does not change a bit of a model."""
import re
import subprocess

from support import PROGRAM, ProgramTest, clean_environment

SETTINGS = ["--network", "dense:8,relu,dense:4", "--batch-size", 50]


class Tune(ProgramTest):
    def tune(self, *arguments, **variables):
        """(exports, rows): the variables as a dict, and (threads, pins, min, median, max, best)."""
        text = self.succeed("tune", "--data", self.path("data"), *SETTINGS, *arguments,
                            **variables).out
        self.text, self.rounds = text, int(re.search(r"in (\d+) alternating", text)[1])
        exports = dict(re.findall(r"(?m)^export (\w+)=(\S+)$", text))
        rows = [(int(t), pins, *map(float, figures.split()), best != "")
                for t, pins, figures, best in
                re.findall(r"(?m)^# +(\d+)  (\w+) +([\d. ]+?)(  best)?$", text)]
        self.assertEqual(len(text.splitlines()), len(exports) + text.count("\n#") + 1, text)
        return exports, rows

    def setUp(self):
        super().setUp()
        self.make_data()

    def test_figures_are_consistent(self):
        exports, rows = self.tune()
        self.assertEqual({"OMP_NUM_THREADS", "MNIST_BLAS_PIN"}, set(exports))
        self.assertEqual((1, "core"), rows[0][:2])
        self.assertIn(("none",), [row[1:2] for row in rows])
        for line in re.findall("(?m)^# cores: .*", self.text):  # none on a busy machine
            self.assertRegex(line, r"^# cores: (near|far|mixed), \d+ ns for a cache line from thread to thread and back")
        for row in rows:
            self.assertTrue(0 < row[2] <= row[3] <= row[4], row)
        best, = [row for row in rows if row[5]]
        self.assertEqual((exports["OMP_NUM_THREADS"], exports["MNIST_BLAS_PIN"]),
                         (str(best[0]), best[1]))
        fastest = max(row[3] for row in rows)
        following = max((row for row in rows if row != best), key=lambda row: row[3])
        doubt = self.rounds == 1 or following[4] >= best[2]
        self.assertEqual(doubt, re.search("(?m)^# (one round decides little|undecided: )", self.text) is not None)
        self.assertGreaterEqual(best[3], 0.979 * fastest)
        for row in rows[:rows.index(best)]:
            self.assertLess(row[3], 0.981 * fastest)

    def test_shell_evaluates_it_and_the_model_is_unchanged(self):
        self.train(self.path("data"), *SETTINGS, out="plain")
        script = ('eval "$("$0" tune --data data)" && test -n "$OMP_NUM_THREADS" && '
                  '"$0" --data data --epochs 1 --no-report --out tuned ' + " ".join(map(str, SETTINGS)))
        subprocess.run(["sh", "-c", script, PROGRAM], cwd=self.folder, check=True,
                       env=clean_environment(self.folder), stdout=subprocess.DEVNULL)
        self.assertEqual(self.model_bytes("plain"), self.model_bytes("tuned"))

    def test_pins_if_openmp_binds(self):
        exports, rows = self.tune(OMP_PROC_BIND="true")
        self.assertEqual({"OMP_NUM_THREADS"}, set(exports))
        self.assertEqual({"OpenMP"}, {row[1] for row in rows})

    def test_batch_of_all_samples(self):
        self.tune("--batch-size", 1200)

    def test_bad_usage(self):
        for arguments, word in ((["--batch-size", "0"], "--batch-size"),
                                (["--batch-size", "1201"], "batch-size"),
                                (["--optimizer", "best"], "--optimizer"), (["now"], "now"),
                                (["--network", "dense:0"], "dense")):
            self.fail_with(2, "tune", "--data", self.path("data"), *arguments, says=word)

    def test_missing_data(self):
        self.fail_with(1, "tune", "--data", "/nowhere", says="/nowhere")
