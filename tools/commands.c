#include "cli.h"

const mb_command *const mb_commands[] = {&mb_command_train,   &mb_command_evaluate,
                                         &mb_command_predict, &mb_command_export,
                                         &mb_command_report,  &mb_command_compare,
                                         &mb_command_sweep,
                                         &mb_command_tune,    &mb_command_info,
                                         &mb_command_convert, NULL};
