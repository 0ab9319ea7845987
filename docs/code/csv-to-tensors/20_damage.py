network.eval()


def first_state(ids, mask):
    with torch.no_grad():
        out = network(torch.tensor(ids)[None], attention_mask=torch.tensor(mask)[None])
    return out.last_hidden_state[0, 1]  # of the first token of the text


bare = roberta.tokenize("It is warming")
alone = first_state(bare.ids, bare.mask)
by_mask = first_state(padded.ids, padded.mask)
by_ids = first_state(padded.ids, (padded.ids > 0).astype(int))
print(f"with the mask, its state moves by {torch.dist(alone, by_mask):.5f}")
print(f"with ids > 0, by                  {torch.dist(alone, by_ids):.5f}")
