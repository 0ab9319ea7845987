network = RobertaModel.from_pretrained("models/roberta").eval()


def first_state(ids, mask):
    with torch.no_grad():
        out = network(torch.tensor(ids)[None], attention_mask=torch.tensor(mask)[None])
    return out.last_hidden_state[0, 1]  # of the first token of the text


bare = roberta.tokenize("It is warming")
alone = first_state(bare.ids, bare.mask)
right = first_state(padded.ids, padded.mask)
wrong = first_state(padded.ids, (padded.ids > 0).astype(int))
print(f"with the mask {torch.dist(alone, right):.5f} away from the text alone")
print(f"with ids > 0  {torch.dist(alone, wrong):.5f}")
