/*
 * server/copy_decoder.h - threads that decode and append the data of large COPYs, while the event
 * loop receives more.  Bytes go in one after the other, so that nothing else changes: the ingest
 * belongs to the thread while it is busy, and to the event loop when it is idle.  All calls are the
 * event loop's.
 */
#ifndef MR_SERVER_COPY_DECODER_H
#define MR_SERVER_COPY_DECODER_H

#include "server/ingest.h"

/* Lends a thread to the ingest (keeps it); *out NULL: as many as `workers` are lent.  `idle` is
 * called when it was asked for (mr_copy_decoder_ask), and never after the thread was given back. */
MrStatus mr_copy_decoder_take(MrServer *server, MrIngest *ingest, void (*idle)(void *context),
                              void *context, MrCopyDecoder **out, MrError *err);
/* Waits for what it decodes; accepts NULL. */
void mr_copy_decoder_give_back(MrCopyDecoder *decoder);
void mr_copy_decoders_destroy(MrServer *server); /* all were given back */
bool mr_copy_decoder_is_idle(MrCopyDecoder *decoder);
/* What it has met: it must get no more bytes then.  MR_OK while it is busy. */
MrStatus mr_copy_decoder_status(MrCopyDecoder *decoder, MrError *err);
/* Hands it bytes (the builder comes back empty); it is idle.  Behind the last ones it ends the
 * input, so that the commit has little to do. */
void mr_copy_decoder_hand(MrCopyDecoder *decoder, MrBuilder *bytes, bool is_last);
/* `idle` is to be called once it is, or soon when it is already. */
void mr_copy_decoder_ask(MrCopyDecoder *decoder);

#endif
