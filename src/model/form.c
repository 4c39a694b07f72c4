#include "model/form.h"

#include "core/parse.h"
#include "core/status.h"

static const char ground_key[] = "ground", framing_key[] = "framing", mean_key[] = "mean",
                  std_key[] = "std";

/* "0.49,0.48,0.45", from which the same floats are read. */
static const char *format_channels(const float *values, size_t channels, mb_arena *arena)
{
    char all[MB_MAX_CHANNELS * MB_OPTION_TEXT_SIZE] = "";
    for (size_t c = 0; c < channels; c++) {
        char text[MB_OPTION_TEXT_SIZE];
        mb_append(all, sizeof all, ",", mb_format_real(values[c], text));
    }
    return mb_arena_strdup(arena, all);
}

size_t mb_form_metadata(const mb_image_form *form, size_t channels, mb_arena *arena,
                        mb_key_value entries[MB_FORM_ENTRIES])
{
    const mb_standardization *standard = &form->standardization;
    size_t count = 0;
    if (form->ground != 0)
        entries[count++] = (mb_key_value){ground_key, mb_ground_names.values[form->ground].name};
    if (form->framing != 0)
        entries[count++] = (mb_key_value){framing_key, mb_framing_names.values[form->framing].name};
    if (mb_form_is_standardized(form)) {
        entries[count++] =
            (mb_key_value){mean_key, format_channels(standard->mean, channels, arena)};
        entries[count++] = (mb_key_value){std_key, format_channels(standard->std, channels, arena)};
    }
    return count;
}

/* One number for each channel, in the range; none if the file has no such entry. */
static mb_status read_channels(const char *path, const mb_safetensors *file, const char *key,
                               size_t channels, double min, float *values, mb_error *error)
{
    const char *text = mb_safetensors_metadata(file, key), *rest = text;
    char item[MB_OPTION_TEXT_SIZE];
    double value = 0.0;
    bool good = true;
    if (text == NULL)
        return MB_OK;
    for (size_t c = 0; c < channels && good; c++) {
        good = rest != NULL && mb_take_item(&rest, item, sizeof item) &&
               mb_parse_real(item, &value) && value >= min && value <= 1.0;
        values[c] = (float)value;
    }
    if (good && rest == NULL)
        return MB_OK;
    return mb_fail(
        error, MB_ERROR_FORMAT,
        "%s: metadata \"%s\": must be a number from %g to 1 for each of %zu channels, got "
        "\"%.100s\"",
        path, key, min, channels, text);
}

static mb_status read_standardization(const char *path, const mb_safetensors *file,
                                      mb_standardization *standard, mb_error *error)
{
    const char *input = mb_safetensors_metadata(file, "input");
    size_t channels = 0;
    const bool mean = mb_safetensors_metadata(file, mean_key) != NULL;
    const bool std = mb_safetensors_metadata(file, std_key) != NULL;
    *standard = (mb_standardization){{0.0f}, {0.0f}};
    if (mean != std)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: metadata \"%s\" without \"%s\"", path,
                       mean ? mean_key : std_key, mean ? std_key : mean_key);
    if (mean && (input == NULL || !mb_take_size(&input, 1, MB_MAX_CHANNELS, &channels)))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: metadata \"%s\" for images of other than 1 to %d channels", path,
                       mean_key, MB_MAX_CHANNELS);
    const mb_status status =
        read_channels(path, file, mean_key, channels, 0.0, standard->mean, error);
    return status == MB_OK
               ? read_channels(path, file, std_key, channels, 1e-6, standard->std, error)
               : status;
}

static mb_status read_name(const char *path, const mb_safetensors *file, const char *key,
                           const mb_enum *names, unsigned *value, mb_error *error)
{
    const char *text = mb_safetensors_metadata(file, key);
    char all[64];
    *value = 0;
    if (text == NULL || mb_parse_enum(names, text, value))
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT, "%s: metadata \"%s\": must be %s, got \"%.100s\"", path,
                   key, mb_format_names(names, all, sizeof all), text);
}

mb_status mb_form_read(const char *path, const mb_safetensors *file, mb_image_form *form,
                       mb_error *error)
{
    unsigned ground = 0, framing = 0;
    mb_status status = read_name(path, file, ground_key, &mb_ground_names, &ground, error);
    if (status == MB_OK)
        status = read_name(path, file, framing_key, &mb_framing_names, &framing, error);
    *form = (mb_image_form){.ground = (mb_ground)ground, .framing = (mb_framing)framing};
    return status == MB_OK ? read_standardization(path, file, &form->standardization, error)
                           : status;
}
