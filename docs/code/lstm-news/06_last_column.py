import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, words, labels):
        super().__init__()
        self.embedding = nn.Embedding(words, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.head = nn.Linear(64, labels)

    def forward(self, ids, last):
        states, _ = self.lstm(self.embedding(ids))
        return self.head(states[torch.arange(len(ids)), last])


def last_column(batch):
    return torch.full_like(batch.lengths, batch.ids.shape[1] - 1)


def last_word(batch):
    return batch.lengths - 1
