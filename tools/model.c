#include "model.h"

mb_status mb_model_operand(mb_model_arguments *model, const char *text, mb_error *error)
{
    if (model->path != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "MODEL: must be one file, got %s and %s",
                       model->path, text);
    model->path = text;
    return MB_OK;
}

mb_status mb_model_check(const mb_model_arguments *model, const char *command, mb_error *error)
{
    return model->path != NULL ? MB_OK
                               : mb_fail(error, MB_ERROR_INVALID, "%s: missing MODEL", command);
}

mb_status mb_model_open(mb_machine *machine, const mb_model_arguments *arguments,
                        mb_network **network, mb_error *error)
{
    if (arguments->network == NULL)
        return mb_model_load(machine, arguments->path, network, error);
    return mb_model_load_as(machine, arguments->path, arguments->network, arguments->input, network,
                            error);
}
