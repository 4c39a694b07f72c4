#include "train/state.h"

#include <math.h>
#include <string.h>

#define SIZES(name, place) ((mb_state){name, MB_STATE_SIZES, place, sizeof(size_t), 1, 1, false})
#define DOUBLES(name, place, count)                                                                \
    ((mb_state){name, MB_STATE_DOUBLES, place, sizeof(double), count, count, false})
#define MOMENTS(name, place)                                                                       \
    ((mb_state){name, MB_STATE_NETWORK, place, sizeof(float), room, room, false})
#define PARAMETERS(name, place, count, most)                                                       \
    ((mb_state){name, MB_STATE_NETWORK, place, sizeof(float), count, most, true})
#define OF_EPOCHS(kind, member)                                                                    \
    ((mb_state){"epochs." #member, kind, &record->epochs->member, sizeof *record->epochs,          \
                record->finished, t->options->epochs, false})

void mb_state_list(mb_trainer *t, mb_state states[MB_STATE_COUNT])
{
    mb_history *record = &t->history;
    mb_epoch_stats *stats = &t->training.stats;
    const size_t room = t->training.network->parameter_elements;
    float *average = t->trainable.ema;
    const mb_state list[MB_STATE_COUNT] = {
        SIZES("epoch", &t->epoch),
        SIZES("step", &t->step),
        DOUBLES("seconds", &t->seconds, 1),
        DOUBLES("tally.loss", &stats->loss, 1),
        SIZES("tally.correct", &stats->correct),
        OF_EPOCHS(MB_STATE_DOUBLES, train_loss),
        OF_EPOCHS(MB_STATE_DOUBLES, train_accuracy),
        OF_EPOCHS(MB_STATE_DOUBLES, test_accuracy),
        OF_EPOCHS(MB_STATE_DOUBLES, validation_accuracy),
        OF_EPOCHS(MB_STATE_DOUBLES, lr),
        OF_EPOCHS(MB_STATE_SIZES, threads),
        OF_EPOCHS(MB_STATE_DOUBLES, seconds),
        OF_EPOCHS(MB_STATE_DOUBLES, samples_per_second),
        OF_EPOCHS(MB_STATE_DOUBLES, gflops),
        SIZES("curve.stride", &record->curve.stride),
        SIZES("curve.steps", &record->curve.steps),
        DOUBLES("curve.sum", record->curve.sum, MB_LOSS_CURVE_POINTS),
        {"tally.step_loss", MB_STATE_FLOATS, stats->step_loss, sizeof(float), t->step, t->steps,
         false},
        PARAMETERS("", t->training.network->parameters, room, room),
        MOMENTS("first_moment.", t->trainable.m),
        MOMENTS("second_moment.", t->trainable.v),
        PARAMETERS("average.", average, average != NULL ? room : 0, average != NULL ? room : 0),
        PARAMETERS("best.", t->best, t->best != NULL && t->epoch > 0 ? room : 0,
                   t->best != NULL ? room : 0),
    };
    memcpy(states, list, sizeof list);
}

size_t mb_state_size(mb_state_kind kind)
{
    return kind == MB_STATE_SIZES || kind == MB_STATE_DOUBLES ? 8 : sizeof(float);
}

/* Elements that follow each other already and are of the same form are copied at once. */
static bool is_packed(const mb_state *state)
{
    return state->count > 0 && state->kind != MB_STATE_SIZES &&
           state->stride == mb_state_size(state->kind);
}

void mb_state_pack(const mb_state *state, void *packed)
{
    const size_t size = mb_state_size(state->kind);
    if (is_packed(state)) {
        memcpy(packed, state->values, state->count * size);
        return;
    }
    for (size_t i = 0; i < state->count; i++) {
        const char *from = (const char *)state->values + i * state->stride;
        if (state->kind == MB_STATE_SIZES)
            ((int64_t *)packed)[i] = (int64_t) * (const size_t *)(const void *)from;
        else
            memcpy((char *)packed + i * size, from, size);
    }
}

void mb_state_unpack(const mb_state *state, const void *packed)
{
    const size_t size = mb_state_size(state->kind);
    if (is_packed(state)) {
        memcpy(state->values, packed, state->count * size);
        return;
    }
    for (size_t i = 0; i < state->count; i++) {
        char *to = (char *)state->values + i * state->stride;
        if (state->kind == MB_STATE_SIZES)
            *(size_t *)(void *)to = (size_t)((const int64_t *)packed)[i];
        else
            memcpy(to, (const char *)packed + i * size, size);
    }
}

mb_status mb_state_validate_position(const char *path, mb_trainer *t, mb_error *error)
{
    if (t->epoch > t->options->epochs || t->step > t->steps ||
        (t->epoch == t->options->epochs && t->step > 0))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: cannot be at step %zu after %zu epochs: the run has %zu epochs of %zu "
                       "steps",
                       path, t->step, t->epoch, t->options->epochs, t->steps);
    t->history.finished = t->epoch;
    return MB_OK;
}

/* As mb_loss_curve_add leaves a curve after so many steps. */
static bool is_curve_of(const mb_loss_curve *curve, size_t steps)
{
    size_t stride = steps > 0 ? 1 : 0;
    while (stride * MB_LOSS_CURVE_POINTS < steps)
        stride *= 2;
    return curve->steps == steps && curve->stride == stride;
}

mb_status mb_state_validate(const char *path, mb_trainer *t, mb_error *error)
{
    mb_epoch_stats *stats = &t->training.stats;
    const size_t samples = t->training.loader.samples,
                 done = t->step * t->training.loader.batch_size;
    stats->steps = t->step;
    stats->samples = done < samples ? done : samples;
    if (!is_curve_of(&t->history.curve, t->epoch * t->steps))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: its loss curve has %zu steps, the run has done %zu", path,
                       t->history.curve.steps, t->epoch * t->steps);
    if (t->step > 0 && (stats->correct > stats->samples || !isfinite(stats->loss)))
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %zu of %zu images right, loss %g: cannot be",
                       path, stats->correct, stats->samples, stats->loss);
    if (!(t->seconds >= 0.0 && isfinite(t->seconds)))
        return mb_fail(error, MB_ERROR_FORMAT, "%s: an epoch that took %g seconds cannot be", path,
                       t->seconds);
    for (size_t i = 0; i < t->epoch; i++) {
        t->history.epochs[i].epoch = i + 1;
        t->history.epochs[i].epochs = t->options->epochs;
    }
    return MB_OK;
}
