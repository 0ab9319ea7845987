def train_net(where):
    torch.manual_seed(0)
    net = Net(len(scratch.vocabulary_), len(train.task.labels))
    sgd = torch.optim.SGD(net.parameters(), lr=5)
    steps = torch.optim.lr_scheduler.StepLR(sgd, step_size=4, gamma=0.1)
    batches = list(scratch.batches(splits.train, order="rows"))
    for _ in range(EPOCHS):
        for i in torch.randperm(len(batches)).tolist():
            logits = net(batches[i].ids, where(batches[i]))
            loss = nn.functional.cross_entropy(logits, batches[i].labels)
            sgd.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            sgd.step()
        steps.step()
        yield accuracy(net, where)


@torch.no_grad()
def accuracy(net, where):
    right = 0
    for batch in scratch.batches(splits.test, order="rows"):
        guess = net(batch.ids, where(batch)).argmax(dim=1)
        right += int((guess == batch.labels).sum())
    return right / len(splits.test)


for where in (last_column, last_word):
    print(where.__name__, *(f"{share:.3f}" for share in train_net(where)))
