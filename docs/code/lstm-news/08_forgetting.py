batch = scratch.batches(splits.train, order="rows")[0]
torch.manual_seed(0)
net = Net(len(scratch.vocabulary_), len(train.task.labels))
padding = torch.zeros(len(batch.ids), 40, dtype=torch.int64)
states, _ = net.lstm(net.embedding(torch.cat([batch.ids, padding], dim=1)))
rows = torch.arange(len(batch.ids))
for columns in (0, 5, 10, 20, 40):
    state = states[rows, batch.lengths - 1 + columns]
    print(
        f"{columns:2} columns later the texts differ by {state.std(dim=0).mean():.5f}"
    )
