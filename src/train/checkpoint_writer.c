#include "train/checkpoint_writer.h"

#include "core/clock.h"
#include "machine/ranks.h"
#include "train/checkpoint.h"

static bool writes_during_run(const mb_checkpoint_policy *policy)
{
    return policy->every_steps > 0 || policy->every_epoch;
}

mb_status mb_trainer_set_checkpoints(mb_trainer *trainer, const mb_checkpoint_policy *policy,
                                     mb_error *error)
{
    mb_checkpoint_writer_close(&trainer->checkpoints);
    trainer->checkpoints.policy = *policy;
    trainer->interval_multiple = policy->every_steps;
    return writes_during_run(policy) ? mb_checkpoint_describe_run(trainer, error) : MB_OK;
}

static mb_status save(mb_trainer *trainer, mb_error *error)
{
    mb_checkpoint_writer *writer = &trainer->checkpoints;
    mb_status status = MB_OK;
    if (writer->metadata == NULL)
        status = mb_checkpoint_describe_run(trainer, error);
    mb_trainer_share_state(trainer);
    if (status == MB_OK && mb_ranks_describe(trainer->ranks).rank == 0)
        status = mb_checkpoint_write(trainer, writer->policy.path, error);
    writer->is_saved = mb_ranks_max(trainer->ranks, status != MB_OK) == 0;
    if (status == MB_OK) {
        writer->costs.written++;
        writer->saved_epoch = trainer->epoch;
        writer->saved_step = trainer->step;
    }
    return status;
}

static void save_during_run(mb_trainer *trainer)
{
    const double started = mb_seconds();
    mb_checkpoint_costs *costs = &trainer->checkpoints.costs;
    mb_error why;
    const mb_status status = save(trainer, &why);
    const double took = mb_seconds() - started;
    costs->seconds_sum += took;
    costs->seconds_max = took > costs->seconds_max ? took : costs->seconds_max;
    if (status != MB_OK && trainer->events != NULL && trainer->events->checkpoint_failed != NULL)
        trainer->events->checkpoint_failed(trainer->events->context, &why);
}

void mb_checkpoint_after_interval(mb_trainer *trainer)
{
    const size_t every = trainer->checkpoints.policy.every_steps;
    if (every > 0 && mb_trainer_total_steps(trainer) % every == 0)
        save_during_run(trainer);
}

void mb_checkpoint_after_epoch(mb_trainer *trainer)
{
    if (trainer->checkpoints.policy.every_epoch)
        save_during_run(trainer);
}

mb_status mb_trainer_save(mb_trainer *trainer, mb_error *error)
{
    const mb_checkpoint_writer *writer = &trainer->checkpoints;
    if (writer->policy.path == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "checkpoint: the trainer has no checkpoint policy");
    if (writer->is_saved && writer->saved_epoch == trainer->epoch &&
        writer->saved_step == trainer->step)
        return MB_OK;
    return save(trainer, error);
}

mb_checkpoint_costs mb_trainer_checkpoint_costs(const mb_trainer *trainer)
{
    return trainer->checkpoints.costs;
}

void mb_checkpoint_writer_close(mb_checkpoint_writer *writer)
{
    mb_arena_free(&writer->arena);
    *writer = (mb_checkpoint_writer){0};
}
