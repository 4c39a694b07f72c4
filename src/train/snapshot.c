#include "train/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mb_status mb_snapshot_open(const mb_machine *machine, mb_trainer *trainer, mb_snapshot *snapshot,
                           mb_error *error)
{
    const mb_network *network = trainer->training.network;
    *snapshot = (mb_snapshot){0};
    mb_status status = mb_network_open(machine, network->spec, network->input, network->classes,
                                       &snapshot->network, error);
    if (status != MB_OK)
        return status;
    mb_state_list(trainer, snapshot->states);
    for (size_t i = 0; i < MB_STATE_COUNT; i++) {
        mb_state *state = &snapshot->states[i];
        state->stride = mb_state_size(state->kind);
        /* Zeroed pages that are not written to cost nothing: a run may have a million epochs. */
        state->values = calloc(state->most + 1, state->stride);
        if (state->values != NULL && state->kind == MB_STATE_NETWORK)
            memset(state->values, 0xff,
                   state->most * state->stride); /* also what is empty as yet */
        if (state->values == NULL)
            status = mb_fail_memory(error, "checkpoint", state->most * state->stride);
    }
    if (status == MB_OK)
        mb_snapshot_take(snapshot, trainer); /* the first in training then finds the pages there */
    else
        mb_snapshot_close(snapshot);
    return status;
}

void mb_snapshot_take(mb_snapshot *snapshot, mb_trainer *trainer)
{
    mb_state states[MB_STATE_COUNT];
    mb_state_list(trainer, states);
    for (size_t i = 0; i < MB_STATE_COUNT; i++) {
        mb_state_pack(&states[i], snapshot->states[i].values);
        snapshot->states[i].count = states[i].count;
    }
}

/* A state of a plain row of numbers. */
static bool add_row(const mb_state *state, mb_arena *arena, mb_named_tensor *tensor)
{
    static const mb_dtype dtypes[] = {[MB_STATE_SIZES] = MB_DTYPE_I64,
                                      [MB_STATE_DOUBLES] = MB_DTYPE_F64,
                                      [MB_STATE_FLOATS] = MB_DTYPE_F32};
    size_t *shape = mb_arena_alloc(arena, 1, sizeof *shape);
    if (shape == NULL)
        return false;
    *shape = state->count;
    *tensor = (mb_named_tensor){.name = state->name,
                                .dimensions = 1,
                                .shape = shape,
                                .values = state->values,
                                .dtype = dtypes[state->kind]};
    return true;
}

/* A state that lies as the network's parameters do: one tensor for each of the network's. */
static bool add_network(const mb_state *state, mb_network *network, mb_arena *arena,
                        mb_named_tensor *tensors)
{
    const size_t count = mb_network_tensor_count(network), prefix = strlen(state->name);
    mb_tensor_info *infos = mb_arena_alloc(arena, count, sizeof *infos);
    if (infos == NULL)
        return false;
    memcpy(network->parameters, state->values, state->count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        infos[i] = mb_network_tensor_info(network, i);
        const size_t room = prefix + sizeof infos[i].name;
        char *name = mb_arena_alloc(arena, room, 1);
        float *values = mb_arena_alloc(arena, infos[i].elements, sizeof *values);
        if (name == NULL || values == NULL)
            return false;
        snprintf(name, room, "%s%s", state->name, infos[i].name);
        mb_network_get_tensor(network, i, values);
        tensors[i] = (mb_named_tensor){.name = name,
                                       .dimensions = infos[i].dimensions,
                                       .shape = infos[i].shape,
                                       .values = values};
    }
    return true;
}

const mb_named_tensor *mb_snapshot_tensors(const mb_snapshot *snapshot, mb_arena *arena,
                                           size_t *count)
{
    const size_t of_network = mb_network_tensor_count(snapshot->network);
    mb_named_tensor *tensors =
        mb_arena_alloc(arena, MB_STATE_COUNT * (1 + of_network), sizeof *tensors);
    bool whole = tensors != NULL;
    *count = 0;
    for (size_t i = 0; i < MB_STATE_COUNT && whole; i++) {
        const mb_state *state = &snapshot->states[i];
        if (state->kind == MB_STATE_NETWORK && state->count == 0)
            continue;
        if (state->kind == MB_STATE_NETWORK) {
            whole = add_network(state, snapshot->network, arena, tensors + *count);
            *count += of_network;
        } else {
            whole = add_row(state, arena, tensors + *count);
            *count += 1;
        }
    }
    return whole ? tensors : NULL;
}

void mb_snapshot_close(mb_snapshot *snapshot)
{
    for (size_t i = 0; i < MB_STATE_COUNT; i++)
        free(snapshot->states[i].values);
    mb_network_close(snapshot->network);
    *snapshot = (mb_snapshot){0};
}
