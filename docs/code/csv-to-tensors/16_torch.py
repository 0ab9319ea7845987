import torch
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, TensorDataset

torch.manual_seed(0)


def tensors(part):
    seen = [
        encoder.tokenize(text, max_tokens=64, long="truncate", pad=True)
        for text in part.texts
    ]
    ids = torch.tensor(np.stack([each.ids for each in seen]))
    mask = torch.tensor(np.stack([each.mask for each in seen]))
    return TensorDataset(ids, mask, torch.tensor(part.targets))


train, test = tensors(clean.train), tensors(clean.test)
loader = DataLoader(train, sampler=RandomSampler(train), batch_size=4)
ids, mask, labels = next(iter(loader))
print(ids.shape, mask.shape, labels)
in_order = DataLoader(test, sampler=SequentialSampler(test), batch_size=4)
print(len(loader), "batches to train,", len(in_order), "to evaluate")
