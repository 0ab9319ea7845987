from tokenizers import ByteLevelBPETokenizer
from tokenizers.processors import RobertaProcessing
from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
words = ByteLevelBPETokenizer()
words.train_from_iterator(clean.train.texts, vocab_size=2_000, special_tokens=special)
words.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
RobertaTokenizerFast(tokenizer_object=words._tokenizer).save_pretrained(
    "models/roberta"
)
network = RobertaModel(RobertaConfig(vocab_size=words.get_vocab_size(), **small))
network.save_pretrained("models/roberta")

roberta = tg.open_encoder("models/roberta")
padded = roberta.tokenize("It is warming", max_tokens=10, long="truncate", pad=True)
print(padded)
print("ids > 0:", (padded.ids > 0).astype(int))
print("mask:   ", padded.mask)
