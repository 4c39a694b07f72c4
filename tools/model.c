#include "model.h"

mb_status mb_model_open(mb_machine *machine, const mb_model_arguments *arguments,
                        mb_network **network, mb_error *error)
{
    if (arguments->network == NULL)
        return mb_model_load(machine, arguments->path, network, error);
    return mb_model_load_as(machine, arguments->path, arguments->network, arguments->input, network,
                            error);
}
