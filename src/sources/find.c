#include "core/parse.h"
#include "core/status.h"
#include "sources/folder_content.h"
#include "sources/source.h"

#include <mnist_blas/dataset.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fixed_places[] = {"./data/mnist", "./data/MNIST/raw", "../data/mnist",
                                           "../data/MNIST/raw"};
enum { FIXED_PLACES = sizeof fixed_places / sizeof *fixed_places, PLACES = FIXED_PLACES + 1 };

/* Place `i` of PLACES, on the heap. The last is the cache folder by the XDG base directory rules (a
 * variable that is empty or no absolute path counts as unset); *place is NULL if there is none. */
static mb_status get_place(size_t i, char **place, mb_error *error)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int written = 0;
    *place = NULL;
    if (i < FIXED_PLACES)
        written = asprintf(place, "%s", fixed_places[i]);
    else if (cache != NULL && *cache == '/')
        written = asprintf(place, "%s/mnist_blas", cache);
    else if (home != NULL && *home == '/')
        written = asprintf(place, "%s/.cache/mnist_blas", home);
    if (written >= 0)
        return MB_OK;
    *place = NULL;
    return mb_fail(error, MB_ERROR_MEMORY, "data folder: out of memory");
}

static mb_status find_usual(char **found, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < PLACES && *found == NULL; i++) {
        const mb_data_format *format = NULL;
        char *place = NULL;
        status = get_place(i, &place, error);
        if (status == MB_OK && place != NULL)
            status = mb_data_probe(place, &format, error);
        if (format != NULL)
            *found = place;
        else
            free(place);
    }
    return status;
}

mb_status mb_dataset_find(const char *folder, char **found, mb_error *error)
{
    const char *origin = NULL;
    if (found == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "data folder: found must not be NULL");
    *found = NULL;
    if (folder == NULL) {
        origin = "MNIST_BLAS_DATA";
        folder = getenv(origin);
        if (folder == NULL || *folder == '\0')
            return find_usual(found, error);
    }
    const mb_data_format *format = NULL;
    if (mb_data_probe(folder, &format, NULL) != MB_OK || format == NULL) {
        const mb_status status = mb_data_path_check(origin, folder, false, error);
        if (status != MB_OK)
            return status;
    }
    *found = strdup(folder);
    return *found != NULL ? MB_OK : mb_fail_memory(error, folder, strlen(folder) + 1);
}

char *mb_dataset_search_path(void)
{
    char *text = strdup("");
    for (size_t i = 0; text != NULL && i < PLACES; i++) {
        char *place = NULL, *longer = NULL;
        if (get_place(i, &place, NULL) == MB_OK && place == NULL)
            continue;
        if (place != NULL && asprintf(&longer, "%s%s%s", text, i > 0 ? ", " : "", place) < 0)
            longer = NULL;
        free(place);
        free(text);
        text = longer;
    }
    return text;
}

mb_status mb_dataset_fail_none(mb_error *error)
{
    char text[sizeof error->text] = "";
    for (size_t i = 0; i < PLACES; i++) {
        char content[512], *place = NULL;
        if (get_place(i, &place, NULL) != MB_OK || place == NULL)
            continue;
        mb_append(text, sizeof text, ", ", place);
        if (*mb_folder_content(place, content, sizeof content) != '\0') {
            mb_append(text, sizeof text, " (it holds ", content);
            mb_append(text, sizeof text, "", ")");
        }
        free(place);
    }
    return mb_fail(error, MB_ERROR_IO, "data: none in %s", text);
}
