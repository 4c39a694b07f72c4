// The training loop in C++, on the libtorch of the installed PyTorch; libtorch.py compiles and
// calls it.
#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace
{

// torch::optim updates tensor by tensor, with several operations each. Python's optimizers with
// fused=True call ATen operations that update all tensors at once; this calls the same.
class Optimizer
{
  public:
    Optimizer(const std::vector<torch::Tensor> &parameters, const std::string &name, double lr,
              double momentum, double weight_decay)
        : parameters(parameters), name(name), lr(lr), momentum(momentum), weight_decay(weight_decay)
    {
        for (const auto &parameter : parameters) {
            first.push_back(torch::zeros_like(parameter));
            if (name != "sgd")
                second.push_back(torch::zeros_like(parameter));
            steps.push_back(torch::zeros({}));
        }
    }

    void zero_grad()
    {
        for (auto &parameter : parameters)
            parameter.mutable_grad().reset();
    }

    void step()
    {
        torch::NoGradGuard guard;
        std::vector<torch::Tensor> gradients;
        for (const auto &parameter : parameters)
            gradients.push_back(parameter.grad());
        if (name == "sgd") {
            at::_fused_sgd_(parameters, gradients, first, weight_decay, momentum, lr, 0.0, false,
                            false, is_first_step);
            is_first_step = false;
            return;
        }
        at::_foreach_add_(steps, 1);
        const auto update = name == "adamw" ? adamw : adam;
        update(parameters, gradients, first, second, {}, steps, lr, 0.9, 0.999, weight_decay, 1e-8,
               false, false, {}, {});
    }

  private:
    using Update = void (*)(at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                            at::TensorList, at::TensorList, double, double, double, double, double,
                            bool, bool, const std::optional<at::Tensor> &,
                            const std::optional<at::Tensor> &);
    static constexpr Update adam = at::_fused_adam_, adamw = at::_fused_adamw_;

    std::vector<torch::Tensor> parameters, first, second, steps;
    std::string name;
    double lr, momentum, weight_decay;
    bool is_first_step = true;
};

struct Trainer {
    torch::Tensor images, labels, test_images, test_labels;
    int64_t batch_size;
    std::string optimizer_name;
    double lr, momentum, weight_decay;
    torch::nn::Sequential network{nullptr};
    std::unique_ptr<Optimizer> optimizer;
} trainer;

torch::nn::Linear linear(int64_t inputs, int64_t units)
{
    torch::nn::Linear layer(inputs, units);
    torch::nn::init::kaiming_uniform_(layer->weight, 0.0, torch::kFanIn, torch::kReLU);
    torch::nn::init::zeros_(layer->bias);
    return layer;
}

torch::Tensor floats(float *data, int64_t rows) { return torch::from_blob(data, {rows, 784}); }

torch::Tensor longs(int64_t *data, int64_t rows)
{
    return torch::from_blob(data, {rows}, torch::kLong);
}

} // namespace

extern "C" {

// The arrays are borrowed: images (.., 784), labels (..).
void peer_open(float *images, int64_t *labels, int64_t count, float *test_images,
               int64_t *test_labels, int64_t test_count, int threads, int64_t batch_size,
               const char *optimizer, double lr, double momentum, double weight_decay)
{
    torch::set_num_threads(threads);
    trainer.images = floats(images, count);
    trainer.labels = longs(labels, count);
    trainer.test_images = floats(test_images, test_count);
    trainer.test_labels = longs(test_labels, test_count);
    trainer.batch_size = batch_size;
    trainer.optimizer_name = optimizer;
    trainer.lr = lr;
    trainer.momentum = momentum;
    trainer.weight_decay = weight_decay;
}

void peer_reset(int64_t seed)
{
    torch::manual_seed(seed);
    trainer.network = torch::nn::Sequential(linear(784, 128), torch::nn::ReLU(), linear(128, 64),
                                            torch::nn::ReLU(), linear(64, 10));
    trainer.optimizer =
        std::make_unique<Optimizer>(trainer.network->parameters(), trainer.optimizer_name,
                                    trainer.lr, trainer.momentum, trainer.weight_decay);
}

void peer_train_epoch()
{
    const auto order = torch::randperm(trainer.labels.size(0), torch::kLong);
    for (const auto &batch : order.split(trainer.batch_size)) {
        const auto images = trainer.images.index_select(0, batch);
        const auto labels = trainer.labels.index_select(0, batch);
        trainer.optimizer->zero_grad();
        torch::nn::functional::cross_entropy(trainer.network->forward(images), labels).backward();
        trainer.optimizer->step();
    }
}

double peer_evaluate()
{
    torch::NoGradGuard guard;
    const auto guess = trainer.network->forward(trainer.test_images).argmax(1);
    return (guess == trainer.test_labels).to(torch::kDouble).mean().item<double>();
}
}
