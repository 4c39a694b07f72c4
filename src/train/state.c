#include "train/state.h"

#include <math.h>
#include <string.h>

#define SIZES(name, place) ((mb_state){name, MB_STATE_SIZES, place, sizeof(size_t), 1, false})
#define DOUBLES(name, place, count)                                                                \
    ((mb_state){name, MB_STATE_DOUBLES, place, sizeof(double), count, false})
#define NETWORK(name, place, present)                                                              \
    ((mb_state){name, MB_STATE_NETWORK, place, sizeof(float), present ? elements : 0, false})
#define OF_EPOCHS(kind, member)                                                                    \
    ((mb_state){"epochs." #member, kind, &history->epochs->member, sizeof *history->epochs,        \
                history->finished, false})
#define OPTIONAL_OF_EPOCHS(member)                                                                 \
    ((mb_state){"epochs." #member, MB_STATE_DOUBLES, &history->epochs->member,                     \
                sizeof *history->epochs, history->finished, true})

void mb_state_list(mb_trainer *trainer, mb_state states[MB_STATE_COUNT])
{
    mb_history *history = &trainer->history;
    mb_epoch_stats *stats = &trainer->training.stats;
    const size_t elements = trainer->training.network->parameter_elements;
    float *ema = trainer->trainable.ema;
    const mb_state list[MB_STATE_COUNT] = {
        SIZES("epoch", &trainer->epoch),
        SIZES("step", &trainer->step),
        DOUBLES("seconds", &trainer->seconds, 1),
        DOUBLES("tally.loss", &stats->loss, 1),
        SIZES("tally.correct", &stats->correct),
        OF_EPOCHS(MB_STATE_DOUBLES, train_loss),
        OF_EPOCHS(MB_STATE_DOUBLES, train_accuracy),
        OF_EPOCHS(MB_STATE_DOUBLES, test_accuracy),
        OF_EPOCHS(MB_STATE_DOUBLES, validation_accuracy),
        OPTIONAL_OF_EPOCHS(test_loss),
        OPTIONAL_OF_EPOCHS(validation_loss),
        OF_EPOCHS(MB_STATE_DOUBLES, lr),
        OF_EPOCHS(MB_STATE_SIZES, threads),
        OF_EPOCHS(MB_STATE_DOUBLES, seconds),
        OF_EPOCHS(MB_STATE_DOUBLES, samples_per_second),
        OF_EPOCHS(MB_STATE_DOUBLES, gflops),
        SIZES("curve.stride", &history->curve.stride),
        SIZES("curve.steps", &history->curve.steps),
        DOUBLES("curve.sum", history->curve.sum, MB_LOSS_CURVE_POINTS),
        {"tally.step_loss", MB_STATE_FLOATS, stats->step_loss, sizeof(float), trainer->step, false},
        NETWORK("", trainer->training.network->parameters, true),
        NETWORK("first_moment.", trainer->trainable.m, true),
        NETWORK("second_moment.", trainer->trainable.v, true),
        NETWORK("average.", ema, ema != NULL),
        NETWORK("best.", trainer->best, trainer->best != NULL && trainer->epoch > 0),
    };
    memcpy(states, list, sizeof list);
}

size_t mb_state_size(mb_state_kind kind)
{
    return kind == MB_STATE_SIZES || kind == MB_STATE_DOUBLES ? 8 : sizeof(float);
}

/* The place of element `i`. */
static char *element(const mb_state *state, size_t i)
{
    return (char *)state->values + i * state->stride;
}

void mb_state_pack(const mb_state *state, void *packed)
{
    const size_t size = mb_state_size(state->kind);
    for (size_t i = 0; i < state->count; i++)
        if (state->kind == MB_STATE_SIZES)
            ((int64_t *)packed)[i] = (int64_t) * (const size_t *)(const void *)element(state, i);
        else
            memcpy((char *)packed + i * size, element(state, i), size);
}

void mb_state_unpack(const mb_state *state, const void *packed)
{
    const size_t size = mb_state_size(state->kind);
    for (size_t i = 0; i < state->count; i++)
        if (state->kind == MB_STATE_SIZES) {
            const uint64_t value = ((const uint64_t *)packed)[i];
            *(size_t *)(void *)element(state, i) = value < SIZE_MAX ? (size_t)value : SIZE_MAX;
        } else {
            memcpy(element(state, i), (const char *)packed + i * size, size);
        }
}

mb_status mb_state_validate_position(const char *path, mb_trainer *trainer, mb_error *error)
{
    if (trainer->epoch > trainer->options->epochs || trainer->step > trainer->steps ||
        (trainer->epoch == trainer->options->epochs && trainer->step > 0))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: step %zu after %zu epochs is out of range: the run has %zu epochs of "
                       "%zu steps",
                       path, trainer->step, trainer->epoch, trainer->options->epochs,
                       trainer->steps);
    trainer->history.finished = trainer->epoch;
    return MB_OK;
}

/* True for a curve that mb_loss_curve_add left after `steps` steps. */
static bool is_curve_of(const mb_loss_curve *curve, size_t steps)
{
    size_t stride = steps > 0 ? 1 : 0;
    while (stride * MB_LOSS_CURVE_POINTS < steps)
        stride *= 2;
    for (size_t i = 0; i < MB_LOSS_CURVE_POINTS; i++)
        if (!isfinite(curve->sum[i]))
            return false;
    return curve->steps == steps && curve->stride == stride;
}

static bool is_amount(double value) { return value >= 0.0 && isfinite(value); }

/* NaN: there is no such split. */
static bool is_fraction(double value) { return isnan(value) || (value >= 0.0 && value <= 1.0); }

static bool is_valid(const mb_epoch_metrics *epoch)
{
    return isfinite(epoch->train_loss) && !isnan(epoch->train_accuracy) &&
           is_fraction(epoch->train_accuracy) && is_fraction(epoch->test_accuracy) &&
           is_fraction(epoch->validation_accuracy) && is_amount(epoch->lr) &&
           is_amount(epoch->seconds) && is_amount(epoch->samples_per_second) &&
           is_amount(epoch->gflops);
}

/* Losses of the steps of an unfinished epoch. */
static bool are_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

mb_status mb_state_validate(const char *path, mb_trainer *trainer, mb_error *error)
{
    mb_epoch_stats *stats = &trainer->training.stats;
    const mb_data_loader *loader = &trainer->training.loader;
    stats->steps = trainer->step;
    stats->samples = mb_min_size(trainer->step * loader->batch_size, loader->samples);
    if (!is_curve_of(&trainer->history.curve, trainer->epoch * trainer->steps))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: its loss curve of %zu steps is not that of a run that has done %zu",
                       path, trainer->history.curve.steps, trainer->epoch * trainer->steps);
    if (trainer->step > 0 && (stats->correct > stats->samples || !isfinite(stats->loss) ||
                              !are_finite(stats->step_loss, trainer->step)))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: inconsistent statistics: %zu of %zu correct, loss %g", path,
                       stats->correct, stats->samples, stats->loss);
    if (!is_amount(trainer->seconds))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: seconds of the epoch: must be 0 or more, got %g", path,
                       trainer->seconds);
    const double min = mb_trainer_loss_min(trainer);
    for (size_t i = 0; i < trainer->epoch; i++) {
        if (!is_valid(&trainer->history.epochs[i]))
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: epoch %zu: its metrics are not finite or out of range", path,
                           i + 1);
        trainer->history.epochs[i].train_excess_loss = trainer->history.epochs[i].train_loss - min;
        trainer->history.epochs[i].epoch = i + 1;
        trainer->history.epochs[i].epochs = trainer->options->epochs;
    }
    return MB_OK;
}
