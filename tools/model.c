#include "model.h"

#include <stdio.h>

/* More than an image may have; what a network takes it says itself. */
enum { MOST_SIDE = 65536 };

mb_status mb_parse_input(const char *option, const char *text, mb_shape *input, mb_error *error)
{
    unsigned rows = 0, columns = 0;
    char rest;
    const bool read =
        *text >= '0' && *text <= '9' && sscanf(text, "%5ux%5u%c", &rows, &columns, &rest) == 2;
    if (!read || rows < 1 || columns < 1 || (size_t)rows * columns > MOST_SIDE)
        return mb_fail(error, MB_ERROR_INVALID, "%s: '%s' is not a size of images such as %s",
                       option, text, MB_MODEL_INPUT);
    *input = (mb_shape){1, rows, columns};
    return MB_OK;
}

mb_status mb_model_open(mb_machine *machine, const mb_model_arguments *arguments,
                        mb_network **network, mb_error *error)
{
    if (arguments->network == NULL)
        return mb_model_load(machine, arguments->path, network, error);
    return mb_model_load_as(machine, arguments->path, arguments->network, arguments->input, network,
                            error);
}
