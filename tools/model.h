/* The model that a command works with: a file of ours, or one of PyTorch's. */
#ifndef MB_TOOLS_MODEL_H
#define MB_TOOLS_MODEL_H

#include "cli.h"

/* What of a command's arguments says it. */
typedef struct mb_model_arguments {
    const char *path, *network; /* network NULL: the file says what it is */
    mb_shape input;             /* of such a network */
} mb_model_arguments;

/* "--network SPEC", and of commands without data to tell it by the size of the images. */
#define MB_MODEL_NETWORK_TEXT                                                                      \
    "what a file of PyTorch is the state of, such as dense:128,relu,dense:10"
#define MB_MODEL_INPUT_TEXT "with --network: rows and columns of the images"

/* The size when none is given. */
#define MB_MODEL_INPUT "28x28"

/* Reads "ROWSxCOLUMNS". MB_ERROR_INVALID names the option. */
mb_status mb_parse_input(const char *option, const char *text, mb_shape *input, mb_error *error);

/* Opens it; *network is the caller's. As mb_model_load and mb_model_load_as. */
mb_status mb_model_open(mb_machine *machine, const mb_model_arguments *arguments,
                        mb_network **network, mb_error *error);

#endif
