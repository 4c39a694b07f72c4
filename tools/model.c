#include "model.h"

mb_status mb_model_open(mb_machine *machine, const mb_model_arguments *arguments,
                        mb_network **network, mb_error *error)
{
    if (arguments->network == NULL && arguments->input.rows > 0)
        return mb_fail(
            error, MB_ERROR_INVALID,
            "--input: has no effect without --network: the model file describes its input");
    if (arguments->network == NULL)
        return mb_model_load(machine, arguments->path, network, error);
    return mb_model_load_as(machine, arguments->path, arguments->network,
                            arguments->input.rows > 0 ? arguments->input : (mb_shape)MB_MODEL_INPUT,
                            network, error);
}
