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
LAYOUTS = {"mlp": ["contiguous"], "lenet5": ["contiguous", "channels_last"],
           "cnn": ["contiguous", "channels_last"], "cifar": ["contiguous", "channels_last"]}
TRAIN = 2020  # images; the last batch is smaller


@unittest.skipIf(PYTHON is None, "MNIST_BLAS_PEERS_PYTHON is not set")
class Peers(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.make_data(classes=10, rows=28, columns=28, train=TRAIN)

    def learns(self, name, network="mlp", optimizer="adam", way=Way(1, None), data="data", seeds=(1, 2)):
        """Trains in one process, for each seed a new network, which must learn the generated images."""
        peer, spec = Peer(name, PYTHON), Ours(pathlib.Path(support.PROGRAM).parent).spec(network)
        trainer = peer.open(Work(self.path(data), network, spec, 64, optimizer), way)
        self.addCleanup(trainer.close)
        for seed in seeds:
            trained = trainer.train(2, seed)
            self.assertEqual((2, TRAIN), (len(trained.seconds), trained.samples))
            self.assertGreater(min(trained.seconds), 0)
            self.assertGreater(trainer.evaluate(), 0.9)
        self.assertTrue(peer.version)
        trainer.close()
        return peer

    def test_all_learn(self):
        for name in PEERS:
            for optimizer in OPTIMIZERS:
                if (name, optimizer) != ("scikit_learn", "adamw"):
                    with self.subTest(name=name, optimizer=optimizer):
                        self.learns(name, optimizer=optimizer)

    def test_convolutions(self):
        self.assertEqual(NETWORKS.keys(), LAYOUTS.keys())
        for network, layouts in LAYOUTS.items():
            for layout in layouts:
                with self.subTest(network=network, layout=layout):
                    peer = self.learns("pytorch_eager", network, way=Way(1, layout), seeds=(1,))
                    self.assertEqual(layouts, peer.layouts)

    def test_color(self):
        self.succeed("convert", "--data", "data", "--color", "--out", "color")
        self.learns("pytorch_eager", "cifar", data="color", seeds=(1,))

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
