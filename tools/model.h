/* The model of a command: a file of mnist_blas, or a PyTorch state_dict. */
#ifndef MB_TOOLS_MODEL_H
#define MB_TOOLS_MODEL_H

#include "cli.h"

/* The arguments that name it. */
typedef struct mb_model_arguments {
    const char *path, *network; /* network NULL: the file describes it */
    mb_shape input;             /* of `network`; {0}: not given */
} mb_model_arguments;

/* Entries of option tables: a network that the file does not describe, and its input. */
#define MB_OPTION_MODEL_NETWORK(heading, place)                                                    \
    {                                                                                              \
        "network", NULL, heading, place,                                                           \
            "architecture of a PyTorch state_dict file, such as dense:128,relu,dense:10",          \
            MB_KIND_TEXT("SPEC"), .unset = "as the model file says"                                \
    }
#define MB_OPTION_MODEL_INPUT(heading, place)                                                      \
    {                                                                                              \
        "input", NULL, heading, place,                                                             \
            "rows and columns of the images of --network; of images in color 3xROWSxCOLUMNS",      \
            .kind = MB_OPTION_IMAGE_SHAPE, .metavar = "SIZE", .min_size = 1, .max_size = 65536,    \
            .unset = "28x28"                                                                       \
    }
#define MB_MODEL_INPUT                                                                             \
    {                                                                                              \
        1, 28, 28                                                                                  \
    }

/* Opens it; *network is the caller's. As mb_model_load and mb_model_load_as. */
mb_status mb_model_open(mb_machine *machine, const mb_model_arguments *arguments,
                        mb_network **network, mb_error *error);

#endif
