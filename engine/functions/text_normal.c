/*
 * engine/functions/text_normal.c - Unicode's normal forms, by utf8proc.
 */
#include <stdlib.h>
#include <utf8proc.h>

#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

static MrStatus form_options(MrString name, utf8proc_option_t *out, MrError *err)
{
    static const struct {
        const char *name;
        int options;
    } forms[] = { { "NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE },
                  { "NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE },
                  { "NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT },
                  { "NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT } };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (mr_string_equal_nocase(name, mr_string(forms[i].name))) {
            *out = (utf8proc_option_t)forms[i].options;
            return MR_OK;
        }
    }
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid normalization form: %.*s",
                        (int)mr_utf8_truncate(name.data, name.length, 100), name.data);
}

/* *out: the caller frees it. */
static MrStatus normal_text(const MrVector *const *args, uint32_t arg_count, uint32_t row,
                            MrString *out, MrError *err)
{
    const MrString text = mr_arg_text(args[0], row);
    utf8proc_uint8_t *made = NULL;
    utf8proc_option_t options;
    MR_TRY(
        form_options(arg_count > 1 ? mr_arg_text(args[1], row) : MR_STRING("NFC"), &options, err));
    const utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)text.data,
                                                 (utf8proc_ssize_t)text.length, &made, options);
    if (length < 0 || length > MR_TEXT_BYTES_MAX) {
        free(made);
        return mr_error_no_memory(err);
    }
    *out = (MrString){ (const char *)made, (size_t)length };
    return MR_OK;
}

MR_KERNEL(text_normalize)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        MrString normal;
        if (normal_text(args, arg_count, i, &normal, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
            continue;
        }
        const MrStatus status = mr_kernel_set_text(eval, out, i, normal.data, normal.length);
        free((char *)(uintptr_t)normal.data);
        MR_TRY(status);
    }
    return MR_OK;
}

MR_KERNEL(text_is_normalized)
{
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        MrString normal;
        ((uint8_t *)out->data)[i] = false;
        if (normal_text(args, arg_count, i, &normal, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
            continue;
        }
        ((uint8_t *)out->data)[i] = mr_string_equal(normal, mr_arg_text(args[0], i));
        free((char *)(uintptr_t)normal.data);
    }
    return MR_OK;
}

const MrFunction mr_functions_text_normal[] = {
    F1("normalize", TEXT, TEXT, text_normalize, FALLIBLE, "In Unicode's normal form C.",
       "normalize(E'a\\u0308bc')", "äbc"),
    F2("normalize", TEXT, TEXT, TEXT, text_normalize, FALLIBLE,
       "In a normal form of Unicode: NFC, NFD, NFKC or NFKD.", "normalize(E'\\uFB01', NFKC)", "fi"),
    F2("is_normalized", TEXT, TEXT, BOOL, text_is_normalized, FALLIBLE,
       "The text is in that normal form already; SQL writes x IS NFC NORMALIZED.",
       "is_normalized('äbc', 'NFC')", "t"),
};
MR_FAMILY_COUNT(text_normal);
