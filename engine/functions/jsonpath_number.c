/*
 * engine/functions/jsonpath_number.c - arithmetic and the methods of numbers in SQL/JSON paths.
 */
#include "common/decimal.h"
#include "common/floattext.h"
#include "engine/functions/jsonpath_run.h"
#include "storage/jsonwalk.h"

/* ---- Numbers ----------------------------------------------------------------------------- */

MrPathResult mr_path_go_on_number(MrPathRun *run, const MrPathNode *node, const MrDecimal *number,
                                  MrPathItems *found)
{
    char text[MR_DECIMAL_TEXT_MAX];
    const size_t length = mr_decimal_format(number, text);
    const char *copy = mr_path_keep(run, text, length);
    return copy == NULL ? MR_PATH_FAILED
                        : mr_path_go_on(run, node, (MrString){ copy, length }, found);
}

/* The one number that an operand gives. */
static MrPathResult operand_number(MrPathRun *run, const MrPathNode *node,
                                   const MrPathNode *operand, const char *side, MrString value,
                                   MrDecimal *out)
{
    MrPathItems found = { 0 };
    if (mr_path_items_unwrapped(run, operand, value, &found) == MR_PATH_FAILED) {
        return MR_PATH_FAILED;
    }
    if (found.count != 1 || !mr_path_is_number(found.items[0])) {
        return mr_path_fail(run, MR_ERR_JSON_SINGLETON,
                            "%s operand of jsonpath operator %s is not a single numeric value",
                            side, mr_path_word(node->kind));
    }
    return mr_decimal_parse(found.items[0], out, run->err) == MR_OK ? MR_PATH_FOUND
                                                                    : MR_PATH_FAILED;
}

MrPathResult mr_path_arithmetic(MrPathRun *run, const MrPathNode *node, MrString value,
                                MrPathItems *found)
{
    MrDecimal a, b, number;
    MrStatus status;
    if (operand_number(run, node, node->a, "left", value, &a) == MR_PATH_FAILED ||
        operand_number(run, node, node->b, "right", value, &b) == MR_PATH_FAILED) {
        return MR_PATH_FAILED;
    }
    switch (node->kind) {
    case MR_PATH_ADD: status = mr_decimal_add(&a, &b, &number, run->err); break;
    case MR_PATH_SUBTRACT: status = mr_decimal_subtract(&a, &b, &number, run->err); break;
    case MR_PATH_MULTIPLY: status = mr_decimal_multiply(&a, &b, &number, run->err); break;
    case MR_PATH_DIVIDE: status = mr_decimal_divide(&a, &b, &number, run->err); break;
    default: status = mr_decimal_modulo(&a, &b, &number, run->err); break;
    }
    return status == MR_OK ? mr_path_go_on_number(run, node, &number, found) : MR_PATH_FAILED;
}

/* + and - apply to every value of a sequence. */
MrPathResult mr_path_sign(MrPathRun *run, const MrPathNode *node, MrString value,
                          MrPathItems *found)
{
    MrPathItems operands = { 0 };
    MrPathResult result = MR_PATH_NOT_FOUND;
    if (mr_path_items_unwrapped(run, node->a, value, &operands) == MR_PATH_FAILED) {
        return MR_PATH_FAILED;
    }
    for (uint32_t i = 0; i < operands.count; i++) {
        MrDecimal number;
        if (!mr_path_is_number(operands.items[i])) {
            if (found == NULL && node->next == NULL) {
                continue;
            }
            return mr_path_fail(run, MR_ERR_JSON_NUMBER_NOT_FOUND,
                                "operand of unary jsonpath operator %s is not a numeric value",
                                mr_path_word(node->kind));
        }
        if (mr_decimal_parse(operands.items[i], &number, run->err) != MR_OK) {
            return MR_PATH_FAILED;
        }
        if (node->kind == MR_PATH_MINUS) {
            number = mr_decimal_negate(&number);
        }
        result = mr_path_go_on_number(run, node, &number, found);
        if (result == MR_PATH_FAILED || (result == MR_PATH_FOUND && found == NULL)) {
            return result;
        }
    }
    return result;
}

/* ---- Methods ----------------------------------------------------------------------------- */

MrPathResult mr_path_size(MrPathRun *run, const MrPathNode *node, MrString value,
                          MrPathItems *found)
{
    if (!mr_path_is_array(value) && run->is_strict && !run->forgives) {
        return mr_path_fail(run, MR_ERR_JSON_ARRAY_NOT_FOUND,
                            "jsonpath item method .%s() can only be applied to an array",
                            mr_path_word(node->kind));
    }
    if (!mr_path_is_array(value) && run->is_strict) {
        return MR_PATH_NOT_FOUND;
    }
    const MrDecimal size =
        mr_decimal_from_int64(mr_path_is_array(value) ? mr_json_array_length(value) : 1);
    return mr_path_go_on_number(run, node, &size, found);
}

MrPathResult mr_path_rounding(MrPathRun *run, const MrPathNode *node, MrString value,
                              MrPathItems *found)
{
    MrDecimal number, result;
    if (!mr_path_is_number(value)) {
        return mr_path_fail(run, MR_ERR_JSON_NOT_NUMERIC,
                            "jsonpath item method .%s() can only be applied to a numeric value",
                            mr_path_word(node->kind));
    }
    MrStatus status = mr_decimal_parse(value, &number, run->err);
    if (status == MR_OK) {
        const MrDecimal zero = mr_decimal_from_int64(0);
        result = mr_decimal_compare(&number, &zero) < 0 ? mr_decimal_negate(&number) : number;
        status = node->kind == MR_PATH_FLOOR     ? mr_decimal_floor(&number, &result, run->err)
                 : node->kind == MR_PATH_CEILING ? mr_decimal_ceil(&number, &result, run->err)
                                                 : MR_OK;
    }
    return status == MR_OK ? mr_path_go_on_number(run, node, &result, found) : MR_PATH_FAILED;
}

static MrPathResult double_of_string(MrPathRun *run, const MrPathNode *node, MrString value,
                                     MrPathItems *found)
{
    MrBuilder text;
    MrDecimal number;
    double real = 0;
    mr_builder_init(&text, 0);
    MrStatus status = mr_json_string_text(value, &text, run->err);
    const MrString inside = { text.data != NULL ? text.data : "", text.length };
    status = status == MR_OK ? mr_float8_parse(inside, &real, run->err) : status;
    status = status == MR_OK && real - real == 0
                 ? mr_decimal_from_double(real, 15, &number, run->err)
                 : MR_ERR_INVALID_TEXT;
    mr_builder_fini(&text);
    if (status != MR_OK) {
        return mr_path_fail(run, MR_ERR_JSON_NOT_NUMERIC,
                            "string argument of jsonpath item method .double() is not a valid "
                            "representation of a double precision number");
    }
    return mr_path_go_on_number(run, node, &number, found);
}

MrPathResult mr_path_double(MrPathRun *run, const MrPathNode *node, MrString value,
                            MrPathItems *found)
{
    double real;
    if (mr_path_is_string(value)) {
        return double_of_string(run, node, value, found);
    }
    if (!mr_path_is_number(value)) {
        return mr_path_fail(
            run, MR_ERR_JSON_NOT_NUMERIC,
            "jsonpath item method .double() can only be applied to a string or numeric value");
    }
    if (mr_float8_parse(value, &real, run->err) != MR_OK) {
        return mr_path_fail(run, MR_ERR_JSON_NOT_NUMERIC,
                            "numeric argument of jsonpath item method .double() is out of range "
                            "for type double precision");
    }
    return mr_path_go_on(run, node, value, found); /* the number itself, digits and all */
}
