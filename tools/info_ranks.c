#include "info_ranks.h"

#include "info_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static mb_rank_info describe(const mb_machine_info *machine)
{
    mb_rank_info info = {.threads = machine->threads};
    if (gethostname(info.host, sizeof info.host - 1) != 0)
        memcpy(info.host, "unknown", sizeof "unknown");
    for (size_t i = 0; machine->pins != NULL && i < machine->threads && i < MB_RANK_PINS; i++)
        info.pin[info.pins++] = machine->pins[i];
    return info;
}

void mb_info_print_ranks(const mb_rank_info *all, mb_ranks_info ranks)
{
    if (ranks.count == 1)
        return;
    printf("ranks      %zu, %s\n", ranks.count, ranks.library);
    for (size_t r = 0; r < ranks.count; r++) {
        printf("           %zu on %s: %zu thread%s", r, all[r].host, all[r].threads,
               all[r].threads > 1 ? "s" : "");
        for (size_t i = 0; i < all[r].pins; i++)
            printf("%s%u", i == 0 ? ", CPU " : ", ", all[r].pin[i]);
        puts(all[r].pins == 0 ? ", not pinned" : "");
    }
}

json_t *mb_info_ranks(const mb_rank_info *all, size_t count)
{
    json_t *array = count > 1 ? json_array() : NULL;
    for (size_t r = 0; count > 1 && r < count; r++) {
        json_t *pins = all[r].pins > 0 ? json_array() : json_null();
        for (size_t i = 0; i < all[r].pins; i++)
            pins = mb_info_append(pins, json_integer((json_int_t)all[r].pin[i]));
        array = mb_info_append(array, json_pack("{s:s, s:I, s:o}", "host", all[r].host, "threads",
                                                (json_int_t)all[r].threads, "pins", pins));
    }
    return array;
}

mb_status mb_info_gather_ranks(const mb_ranks *ranks, const mb_machine_info *machine,
                               mb_rank_info **all, mb_error *error)
{
    const size_t count = mb_ranks_describe(ranks).count;
    const mb_rank_info mine = describe(machine);
    *all = calloc(count, sizeof **all);
    mb_status status = *all != NULL ? MB_OK : mb_fail_memory(error, "ranks", count * sizeof **all);
    status = mb_ranks_agree(ranks, status, error);
    if (status == MB_OK)
        mb_ranks_gather(ranks, &mine, sizeof mine, *all);
    return status;
}
