"""--patience: early stopping on the validation accuracy, with the best epoch's model."""

import support
from support import ProgramTest

HELD_OUT = ["--validation", 150, "--schedule", "constant", "--batch-size", 16]


class Patience(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data()

    def learn(self, *arguments, out="out"):
        return self.succeed("--data", self.data, "--out", out, *HELD_OUT, *arguments)

    def best(self):
        """Metrics of the first epoch with the highest validation accuracy."""
        return max(self.metrics(), key=lambda line: line["validation_accuracy"])

    def check_kept(self, result):
        """Checks that the model and its figures are those of the best epoch. Returns that epoch."""
        best, summary, epochs = self.best(), self.summary(), len(self.metrics())
        self.assertEqual(best["epoch"], summary["best_epoch"])
        self.assertEqual(epochs, summary["epochs"])
        for key, name in (("test_accuracy", "test_accuracy"), ("train_loss", "final_train_loss"),
                          ("validation_accuracy", "validation_accuracy")):
            self.assertEqual(best[key], summary[name])
        evaluated = self.succeed("evaluate", "out/model.safetensors", "--data", self.data)
        self.assertIn(f"accuracy {100 * best['test_accuracy']:.2f} % ", evaluated.out)
        kept = f" (epoch {best['epoch']} is the best)" if best["epoch"] < epochs else ""
        self.assertIn(f"test accuracy {100 * best['test_accuracy']:.2f} % after {epochs} epochs{kept} in ",
                      result.out)
        return best["epoch"]

    def test_stops_after_n_epochs_without_improvement(self):
        for patience in (1, 4):
            number = self.check_kept(self.learn("--epochs", 200, "--patience", patience))
            self.assertEqual(number + patience, len(self.metrics()))
            self.assertIn(f"{number + patience} epochs (epoch {number} is the best)".encode(),
                          support.read_bytes(self.path("out", "report.html")))

    def test_model_equals_that_of_a_shorter_run(self):
        for name, more in (("plain", []), ("average", ["--ema", 0.95])):
            self.learn(*more, "--epochs", 40, "--patience", 3)
            self.learn(*more, "--epochs", self.best()["epoch"], out=name)
            self.assertEqual(self.model_bytes(name), self.model_bytes())

    def test_best_epoch_is_restored_after_all_epochs(self):
        result = self.learn("--epochs", 8, "--patience", 8)
        self.assertEqual(8, len(self.metrics()))
        self.check_kept(result)

    def test_default_schedule_decays_when_patience_ends(self):
        """At the latest so that the decay ends with the last epoch."""
        for epochs in (200, 4):
            self.succeed("--data", self.data, "--out", "out", "--validation", 150, "--batch-size", 16,
                         "--epochs", epochs, "--patience", 3)
            rates = [line["lr"] for line in self.metrics()]
            self.assertEqual("plateau", self.summary()["schedule"])
            self.assertEqual({0.005}, set(rates[:-3]))
            self.assertEqual(sorted(rates[-4:], reverse=True), rates[-4:])
            self.assertTrue(0 < rates[-1] < rates[-2] < rates[-3] < 0.005, rates)
            validation = [line["validation_accuracy"] for line in self.metrics()[:-3]]
            if epochs == 4:
                self.assertEqual(4, len(rates))
            else:
                self.assertEqual(len(validation) - 4, validation.index(max(validation)))

    def test_stopped_run_does_not_resume(self):
        """Resumed, it says so and does not train, even with more epochs."""
        self.learn("--epochs", 200, "--patience", 2, "--checkpoint-every", "epoch")
        model, metrics = self.model_bytes(), self.metrics()
        for more in ([], ["--epochs", 300]):
            result = self.succeed("--resume", "out/checkpoint", *more)
            self.assertIn(f"resumed  out/checkpoint: all {len(metrics)} epochs are trained", result.out)
            self.assertEqual(model, self.model_bytes())
            self.assertEqual(metrics, self.metrics())
