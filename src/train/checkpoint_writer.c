#include "train/checkpoint_writer.h"

#include "core/clock.h"
#include "train/checkpoint.h"

static bool writes_during_run(const mb_checkpoint_policy *policy)
{
    return policy->every_steps > 0 || policy->every_epoch;
}

mb_status mb_trainer_set_checkpoints(mb_trainer *t, const mb_checkpoint_policy *policy,
                                     mb_error *error)
{
    mb_checkpoint_writer_close(&t->checkpoints);
    t->checkpoints.policy = *policy;
    t->interval_multiple = policy->every_steps;
    return writes_during_run(policy) ? mb_checkpoint_describe_run(t, error) : MB_OK;
}

static mb_status save(mb_trainer *t, mb_error *error)
{
    mb_checkpoint_writer *writer = &t->checkpoints;
    mb_status status = MB_OK;
    if (writer->metadata == NULL)
        status = mb_checkpoint_describe_run(t, error);
    if (status == MB_OK)
        status = mb_checkpoint_write(t, writer->policy.path, error);
    if (status == MB_OK) {
        writer->costs.written++;
        writer->saved_epoch = t->epoch;
        writer->saved_step = t->step;
    }
    writer->is_saved = status == MB_OK;
    return status;
}

static void save_during_run(mb_trainer *t)
{
    const double started = mb_seconds();
    mb_checkpoint_costs *costs = &t->checkpoints.costs;
    mb_error why;
    const mb_status status = save(t, &why);
    const double took = mb_seconds() - started;
    costs->seconds_sum += took;
    costs->seconds_max = took > costs->seconds_max ? took : costs->seconds_max;
    if (status != MB_OK && t->events != NULL && t->events->checkpoint_failed != NULL)
        t->events->checkpoint_failed(t->events->context, &why);
}

void mb_checkpoint_after_interval(mb_trainer *t)
{
    const size_t every = t->checkpoints.policy.every_steps;
    if (every > 0 && mb_trainer_total_steps(t) % every == 0)
        save_during_run(t);
}

void mb_checkpoint_after_epoch(mb_trainer *t)
{
    if (t->checkpoints.policy.every_epoch)
        save_during_run(t);
}

mb_status mb_trainer_save(mb_trainer *t, mb_error *error)
{
    const mb_checkpoint_writer *writer = &t->checkpoints;
    if (writer->policy.path == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "checkpoint: the trainer has no checkpoint policy");
    if (writer->is_saved && writer->saved_epoch == t->epoch && writer->saved_step == t->step)
        return MB_OK;
    return save(t, error);
}

mb_checkpoint_costs mb_trainer_checkpoint_costs(const mb_trainer *t)
{
    return t->checkpoints.costs;
}

void mb_checkpoint_writer_close(mb_checkpoint_writer *writer)
{
    mb_arena_free(&writer->arena);
    *writer = (mb_checkpoint_writer){0};
}
