"""JAX with each epoch as one jitted scan over its batches, without Python between steps. NumPy shuffles,
because JAX's permutation sorts on one thread: 40 times slower, a tenth of an epoch. XLA's thread count is
the number of CPUs that the process may use when JAX is imported."""

import os

from peer import SIZES, read_digits, serve


class JaxScan:
    version = ""  # set by open(), which imports JAX

    def open(self, *, data, threads, batch_size, optimizer, lr, momentum, weight_decay):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        os.environ["JAX_PLATFORMS"] = "cpu"
        import jax
        import jax.numpy
        self.jax, self.version = jax, "JAX " + jax.__version__
        self.images, self.labels = map(jax.numpy.asarray, read_digits(data, "train"))
        self.test_images, self.test_labels = map(jax.numpy.asarray, read_digits(data, "t10k"))
        self.samples, self.batch_size = len(self.labels), batch_size
        self.update = {"adam": self.adam(lr, weight_decay, decoupled=False),
                       "adamw": self.adam(lr, weight_decay, decoupled=True),
                       "sgd": self.sgd(lr, momentum, weight_decay)}[optimizer]
        self.epoch = jax.jit(self.run_epoch, donate_argnums=0)

    def adam(self, lr, decay, decoupled):
        def update(w, g, m, v, t):
            g = g if decoupled else g + decay * w
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            step = m / (1 - 0.9 ** t) / (self.jax.numpy.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
            return (w * (1 - lr * decay) if decoupled else w) - lr * step, m, v
        return update

    @staticmethod
    def sgd(lr, momentum, decay):
        def update(w, g, m, v, t):
            m = momentum * m + g + decay * w
            return w - lr * m, m, v
        return update

    def loss(self, weights, images, labels):
        jax, x = self.jax, images
        for w, b in weights[:-1]:
            x = jax.nn.relu(x @ w + b)
        log_p = jax.nn.log_softmax(x @ weights[-1][0] + weights[-1][1])
        return -jax.numpy.take_along_axis(log_p, labels[:, None], axis=1).mean()

    def step(self, state, batch):
        weights, first, second, t = state
        gradients = self.jax.grad(self.loss)(weights, self.images[batch], self.labels[batch])
        t = t + 1
        moved = self.jax.tree.map(lambda *parts: self.update(*parts, t), weights, gradients, first, second)
        return tuple(self.jax.tree.map(lambda part, i=i: part[i], moved,
                                       is_leaf=lambda part: not isinstance(part[0], tuple))
                     for i in range(3)) + (t,), None

    def run_epoch(self, state, order):
        whole = self.samples // self.batch_size * self.batch_size
        state, _ = self.jax.lax.scan(self.step, state, order[:whole].reshape(-1, self.batch_size))
        return self.step(state, order[whole:])[0] if whole < self.samples else state

    def reset(self, seed):
        import numpy
        jax, self.order = self.jax, numpy.random.default_rng(seed)
        keys = jax.random.split(jax.random.key(seed), len(SIZES) - 1)
        weights = tuple((jax.random.uniform(key, (i, o), minval=-1, maxval=1) * (6 / i) ** 0.5,
                         jax.numpy.zeros(o)) for key, i, o in zip(keys, SIZES, SIZES[1:]))
        zeros = [jax.tree.map(jax.numpy.zeros_like, weights) for _ in range(2)]
        self.state = (weights, *zeros, jax.numpy.zeros(()))

    def train_epoch(self):
        order = self.order.permutation(self.samples).astype("int32")
        self.state = self.jax.block_until_ready(self.epoch(self.state, order))

    def evaluate(self):
        x, weights = self.test_images, self.state[0]
        for w, b in weights[:-1]:
            x = self.jax.nn.relu(x @ w + b)
        predicted = (x @ weights[-1][0] + weights[-1][1]).argmax(axis=1)
        return float((predicted == self.test_labels).mean())


if __name__ == "__main__":
    serve(JaxScan)
