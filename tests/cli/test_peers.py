"""The trainers of bench/peers on generated images. MNIST_BLAS_PEERS_PYTHON names an interpreter with their
packages; without it the tests are skipped."""
import os
import pathlib
import sys
import unittest
from unittest import mock

import support

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench"))
from contenders import NETWORKS, OPTIMIZERS, PEERS, Missing, Ours, Peer, Way, Work  # noqa: E402

PYTHON = os.environ.get("MNIST_BLAS_PEERS_PYTHON")
OWN_OPTIMIZERS = ("pytorch_eager", "libtorch", "jax_scan", "scikit_learn")  # the others have those of pytorch_eager
BOTH = ["contiguous", "channels_last"]
LAYOUTS = {"mlp": ["contiguous"], "lenet5": BOTH, "cnn": BOTH, "cifar": BOTH}
# Each network of convolutions, and each layout with batchnorm2d (cifar, which test_color runs as contiguous) and without.
CONVOLUTIONS = [("lenet5", "contiguous"), ("cnn", "channels_last"), ("cifar", "channels_last")]
BATCH_SIZES = {2020: 64, 420: 16}  # by training images; the last batch is smaller


@unittest.skipIf(PYTHON is None, "MNIST_BLAS_PEERS_PYTHON is not set")
class Peers(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.make_data(classes=10, rows=28, columns=28, train=2020)
        self.make_data("few", classes=10, rows=28, columns=28, train=420)

    def learns(self, name, network="mlp", optimizer="adam", way=Way(1, None), data="data", samples=2020, seeds=(1, 2)):
        """Trains in one process, for each seed a new network, which must learn the generated images."""
        peer, spec = Peer(name, PYTHON), Ours(pathlib.Path(support.PROGRAM).parent).spec(network)
        trainer = peer.open(Work(self.path(data), network, spec, BATCH_SIZES[samples], optimizer), way)
        self.addCleanup(trainer.close)
        for seed in seeds:
            trained = trainer.train(2, seed)
            self.assertEqual((2, samples), (len(trained.seconds), trained.samples))
            self.assertGreater(min(trained.seconds), 0)
            self.assertGreater(trainer.evaluate(), 0.9)
        self.assertTrue(peer.version)
        trainer.close()
        return peer

    def test_all_learn(self):
        for name in PEERS:
            for optimizer in OPTIMIZERS if name in OWN_OPTIMIZERS else ["adam"]:
                if (name, optimizer) != ("scikit_learn", "adamw"):
                    with self.subTest(name=name, optimizer=optimizer):
                        self.assertEqual(LAYOUTS["mlp"], self.learns(name, optimizer=optimizer).layouts)

    def test_convolutions(self):
        self.assertEqual(NETWORKS.keys(), LAYOUTS.keys())
        for network, layout in CONVOLUTIONS:
            with self.subTest(network=network, layout=layout):
                peer = self.learns("pytorch_eager", network, way=Way(1, layout), data="few", samples=420, seeds=(1,))
                self.assertEqual(LAYOUTS[network], peer.layouts)

    def test_color(self):
        self.succeed("convert", "--data", "few", "--color", "--out", "color")
        self.learns("pytorch_eager", "cifar", data="color", samples=420, seeds=(1,))

    def test_unsupported_requests(self):
        for name, network, optimizer, word in (
                ("scikit_learn", "mlp", "adamw", "there is no adamw"),
                ("jax_scan", "cnn", "adam", "there is no network cnn")):
            with self.assertRaisesRegex(Missing, word):
                self.learns(name, network, optimizer)

    def test_without_a_compiler(self):
        for name in ("libtorch", "pytorch_compile"):
            with self.subTest(name=name), mock.patch.dict(os.environ, PATH="", XDG_CACHE_HOME=self.folder):
                with self.assertRaisesRegex(Missing, "there is no C.. compiler"):
                    self.learns(name)
