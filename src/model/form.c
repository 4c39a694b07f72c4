#include "model/form.h"

#include "core/parse.h"
#include "core/status.h"

static const char ground_key[] = "ground", framing_key[] = "framing";

size_t mb_form_metadata(mb_image_form form, mb_key_value entries[MB_FORM_ENTRIES])
{
    size_t count = 0;
    if (form.ground != 0)
        entries[count++] = (mb_key_value){ground_key, mb_ground_names.values[form.ground].name};
    if (form.framing != 0)
        entries[count++] = (mb_key_value){framing_key, mb_framing_names.values[form.framing].name};
    return count;
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
    *form = (mb_image_form){(mb_ground)ground, (mb_framing)framing};
    return status;
}
