"""Recurrent networks over word vectors or token states: LSTM and GRU."""
