"""train --lr-find: the line, the picture, and nothing else in the run folder."""
import os
import re

from support import ProgramTest

NETWORK = ["--network", "dense:16,relu,dense:4", "--batch-size", 20]
LINE = re.compile(r"lr-find  (\d+) steps, learning rate 1e-06 to (\S+): the loss falls fastest at (\S+), "
                  r"is least at (\S+)\n")


class LrFind(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data()

    def find(self, *arguments):
        return self.succeed("train", "--data", self.data, *NETWORK, "--lr-find", *arguments).out

    def test_takes_half_of_the_rate_of_the_least_loss(self):
        text = self.find()
        steps, last, steepest, least = map(float, LINE.search(text).groups())
        self.assertTrue(10 <= steps <= 300, text)
        self.assertTrue(1e-6 <= steepest < least <= last <= 10, text)
        taken = float(re.search(r"(?m)^take --lr (\S+), half of", text)[1])
        self.assertAlmostEqual(0.5, taken / least, delta=0.04)  # both have two digits

    def test_the_rate_trains_better_than_a_hundredth_and_a_hundred_times_of_it(self):
        taken = float(re.search(r"take --lr (\S+),", self.find())[1])
        loss = {factor: self.train(self.data, *NETWORK, "--epochs", 3, "--lr", taken * factor)["test_loss"]
                for factor in (0.01, 1, 100)}
        self.assertEqual(1, min(loss, key=loss.get), loss)

    def test_picture(self):
        self.need_feature("report")
        self.find("--out", "found")
        self.assertEqual(["lr_find.png"], [name for name in os.listdir(self.path("found")) if name[0] != "."])
        self.assertEqual(b"\x89PNG\r\n\x1a\n", self.read("found/lr_find.png")[:8])

    def test_a_model_in_the_folder_stays(self):
        self.train(self.data, *NETWORK, out="run")
        before = self.files("run")
        self.find("--out", "run", "--no-report")
        self.assertEqual(before, self.files("run"))

    def test_threads_do_not_change_the_rate(self):
        texts = {self.find("--no-report", "--threads", n, "--validation", "10%", "--augment", "shift")
                 for n in (1, 2, 3)}
        self.assertEqual(1, len(texts), texts)

    def test_warnings_of_the_machine(self):
        warnings = self.succeed("train", "--data", self.data, *NETWORK, "--lr-find", "--no-report",
                                OPENBLAS_CORETYPE="Unknown").warnings
        self.assertRegex("".join(warnings), "OPENBLAS_CORETYPE=Unknown: .*no such kernel set")

    def test_quiet(self):
        self.assertRegex(self.find("--quiet"), r"^take --lr \S+, half of the rate of the least loss\n$")

    def test_nothing_to_learn(self):
        data = self.make_data("blank", blank=1.0)
        self.check_failure(self.run_program("train", "--data", data, *NETWORK, "--lr-find"), 1,
                           "lr-find: the loss falls at no learning rate")

    def test_resume(self):
        self.train(self.data, *NETWORK, "--checkpoint-every", "epoch")
        self.check_failure(self.run_program("train", "--resume", "out/checkpoint", "--lr-find"), 2,
                           ["--lr-find:", "--resume"])

    def test_options_without_effect(self):
        for option in (["--tensorboard", "board"], ["--checkpoint-every", "epoch"]):
            self.check_failure(self.run_program("train", "--data", self.data, *NETWORK, "--lr-find", *option), 2,
                               [option[0] + ":", "--lr-find"])
