/*
 * planner/result_key_text.c - a key as one text, for a result that has no columns to be its key.
 */
#include "planner/result_key.h"

static MrStatus text_of(MrBinder *b, MrExpr *value, MrExpr **out)
{
    return mr_coerce(b, value, mr_type(MR_TYPE_TEXT), MR_CAST_EXPLICIT, -1, out);
}

/* One value so that no two lists of values give the same text: '-' for NULL, else length ':'
 * text. */
static MrStatus encode_part(MrBinder *b, MrExpr *value, MrExpr **out)
{
    MrExpr *text, *length, *colon, *args[1], *coded, *is_null;
    MR_TRY(text_of(b, value, &text));
    args[0] = text;
    MR_TRY(mr_bind_function(b, "length", args, 1, -1, &length));
    if (length == NULL) {
        return mr_function_missing(b, "length", args, 1, -1);
    }
    MR_TRY(text_of(b, length, &length));
    MR_TRY(mr_expr_text(b->arena, ":", &colon, b->err));
    MR_TRY(mr_bind_operator(b, "||", length, colon, -1, &coded));
    MR_TRY(mr_bind_operator(b, "||", coded, text, -1, &coded));
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, value, &is_null));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, mr_type(MR_TYPE_TEXT), -1, 3, out, b->err));
    (*out)->args[0] = is_null;
    MR_TRY(mr_expr_text(b->arena, "-", &(*out)->args[1], b->err));
    (*out)->args[2] = coded;
    return MR_OK;
}

MrStatus mr_result_key_encode(MrBinder *b, const MrLogical *node, const MrResultKey *key,
                              MrExpr **out)
{
    *out = NULL;
    if (key->is_encoded) {
        return mr_bind_node_column(b, node, key->columns[0], out);
    }
    for (uint32_t i = 0; i < key->count; i++) {
        MrExpr *value, *part;
        MR_TRY(mr_bind_node_column(b, node, key->columns[i], &value));
        MR_TRY(encode_part(b, value, &part));
        if (*out == NULL) {
            *out = part;
        } else {
            MR_TRY(mr_bind_operator(b, "||", *out, part, -1, out));
        }
    }
    return *out != NULL ? MR_OK : mr_expr_text(b->arena, "all", out, b->err);
}
