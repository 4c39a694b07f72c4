#include "keeping.h"

#include "core/file.h"

#include <stdlib.h>
#include <string.h>

/* Opens the keeper, which a run that asks for no checkpoints needs only if a signal ends it. */
static mb_status open_keeper(mb_keeping *keeping, mb_error *error)
{
    const mb_train_arguments *arguments = keeping->arguments;
    mb_key_value notes[4] = {{MB_NOTE_OUT, arguments->out},
                             {MB_NOTE_EVERY, arguments->checkpoint_every}};
    size_t count = 2;
    if (arguments->no_report)
        notes[count++] = (mb_key_value){MB_NOTE_NO_REPORT, "on"};
    if (arguments->epochs_extended)
        notes[count++] = (mb_key_value){MB_NOTE_EPOCHS_EXTENDED, "on"};
    const mb_status status = mb_checkpoint_metadata_open(
        keeping->machine, keeping->trainer->training.network, keeping->dataset,
        &arguments->training, notes, count, &keeping->head, error);
    return status == MB_OK ? mb_keeper_open(keeping->machine, keeping->trainer, &keeping->head,
                                            keeping->path, &keeping->keeper, error)
                           : status;
}

mb_status mb_keeping_open(const mb_train_arguments *arguments, mb_machine *machine,
                          const mb_dataset *dataset, mb_trainer *trainer, mb_keeping *keeping,
                          mb_error *error)
{
    *keeping = (mb_keeping){.arguments = arguments,
                            .machine = machine,
                            .dataset = dataset,
                            .trainer = trainer,
                            .path = mb_path_join(arguments->out, "checkpoint")};
    trainer->meet_every = arguments->checkpoint_steps;
    if (keeping->path == NULL)
        return mb_fail_memory(error, "checkpoint", strlen(arguments->out));
    if (arguments->checkpoint_steps > 0 || arguments->checkpoint_epochs)
        return open_keeper(keeping, error);
    return MB_OK;
}

static void offer(mb_keeping *keeping) { keeping->due = !mb_keeper_offer(keeping->keeper); }

void mb_keeping_step(mb_keeping *keeping)
{
    const mb_trainer *trainer = keeping->trainer;
    const size_t every = keeping->arguments->checkpoint_steps;
    const size_t done = trainer->epoch * trainer->steps + trainer->step;
    if (keeping->due || (every > 0 && done % every == 0))
        offer(keeping);
}

void mb_keeping_epoch(mb_keeping *keeping)
{
    if (keeping->due || keeping->arguments->checkpoint_epochs)
        offer(keeping);
}

bool mb_keeping_failed(mb_keeping *keeping, mb_error *error)
{
    return keeping->keeper != NULL && mb_keeper_failed(keeping->keeper, error);
}

mb_status mb_keeping_save(mb_keeping *keeping, mb_error *error)
{
    const mb_status status = keeping->keeper == NULL ? open_keeper(keeping, error) : MB_OK;
    return status == MB_OK ? mb_keeper_finish(keeping->keeper, error) : status;
}

void mb_keeping_close(mb_keeping *keeping)
{
    mb_keeper_close(keeping->keeper);
    mb_checkpoint_metadata_close(&keeping->head);
    free(keeping->path);
    *keeping = (mb_keeping){0};
}
