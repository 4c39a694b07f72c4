#include "model/calibration.h"

#include "core/parse.h"
#include "core/status.h"
#include "nn/network.h"

#include <float.h>

static const char temperature_key[] = "temperature", threshold_key[] = "confidence_threshold";

static mb_key_value entry(const char *key, double value, mb_arena *arena)
{
    char text[MB_OPTION_TEXT_SIZE];
    return (mb_key_value){key, mb_arena_strdup(arena, mb_format_real(value, text))};
}

size_t mb_calibration_metadata(const mb_network *network, mb_arena *arena,
                               mb_key_value entries[MB_CALIBRATION_ENTRIES])
{
    size_t count = 0;
    if (network->temperature != 1.0)
        entries[count++] = entry(temperature_key, network->temperature, arena);
    if (network->threshold > 0.0)
        entries[count++] = entry(threshold_key, network->threshold, arena);
    return count;
}

/* A number above 0, at most `max`; *value stays if the file has no such entry. */
static mb_status read_entry(const char *path, const mb_safetensors *file, const char *key,
                            double max, double *value, mb_error *error)
{
    const char *text = mb_safetensors_metadata(file, key);
    double number = 0.0;
    if (text == NULL)
        return MB_OK;
    if (!mb_parse_real(text, &number) || !(number > 0.0) || number > max)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: metadata \"%s\": must be a number above 0, at most %g, got \"%.100s\"",
                       path, key, max, text);
    *value = number;
    return MB_OK;
}

mb_status mb_calibration_read(const char *path, const mb_safetensors *file, mb_network *network,
                              mb_error *error)
{
    const mb_status status =
        read_entry(path, file, temperature_key, DBL_MAX, &network->temperature, error);
    return status == MB_OK ? read_entry(path, file, threshold_key, 1.0, &network->threshold, error)
                           : status;
}
