"""TensorBoard's reader finds the figures of metrics.jsonl in an event file."""
import os

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import models

TAGS = {"loss/train": "train_loss", "loss/train_excess": "train_excess_loss", "loss/test": "test_loss",
        "loss/validation": "validation_loss", "accuracy/train": "train_accuracy",
        "accuracy/test": "test_accuracy", "accuracy/validation": "validation_accuracy", "lr": "lr",
        "samples_per_second": "samples_per_second"}


class Events(models.support.ProgramTest):
    def read_events(self, folder):
        events = EventAccumulator(self.path(folder))
        events.Reload()
        return events

    def check(self, events, metrics, tags):
        self.assertEqual(sorted(tags), sorted(events.Tags()["scalars"]))
        for tag in tags:
            scalars = events.Scalars(tag)
            self.assertEqual([one["epoch"] for one in metrics], [one.step for one in scalars])
            for one, scalar in zip(metrics, scalars):
                self.assertLessEqual(abs(scalar.value - one[TAGS[tag]]), 1e-6 * one[TAGS[tag]])
            times = [one.wall_time for one in scalars]
            self.assertEqual(times, sorted(times))

    def test_every_epoch(self):
        data = self.make_data()
        self.train(data, "--epochs", 4, "--tensorboard", "board/a", "--validation", 200)
        self.check(self.read_events("board/a"), self.metrics(), set(TAGS))

    def test_without_validation(self):
        self.train(self.make_data(), "--tensorboard", "board")
        self.check(self.read_events("board"), self.metrics(), set(TAGS) - {"accuracy/validation", "loss/validation"})

    def test_one_file_per_run(self):
        """The first run writes into the folder, the others each into one of their own in it."""
        data = self.make_data()
        for _ in range(3):
            self.train(data, "--tensorboard", "board")
        first, *others = sorted(os.listdir(self.path("board")))
        self.assertEqual(["run-2", "run-3"], others)
        for name in (first, *(os.listdir(self.path("board", other))[0] for other in others)):
            self.assertIn("tfevents", name)
