/* What is known of mpirun without MPI. */
#include <mnist_blas/ranks.h>

#include "core/parse.h"
#include "core/util.h"

#include <stdint.h>
#include <stdlib.h>

/* Environment variables of Open MPI; of MPICH, Intel MPI and Slurm's PMI. */
static const struct {
    const char *size, *rank;
} launchers[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"}, {"PMI_SIZE", "PMI_RANK"}};

static size_t number_of(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    size_t value;
    return text != NULL && mb_parse_size(text, 0, SIZE_MAX, &value) ? value : otherwise;
}

size_t mb_ranks_launched(size_t *rank)
{
    for (size_t i = 0; i < MB_COUNT_OF(launchers); i++) {
        const size_t size = number_of(launchers[i].size, 1);
        *rank = number_of(launchers[i].rank, 0);
        if (size > 1)
            return size;
    }
    *rank = 0;
    return 1;
}
