from tokenizers import ByteLevelBPETokenizer
from tokenizers.processors import RobertaProcessing
from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

bytes_ = ByteLevelBPETokenizer()
bytes_.train_from_iterator(
    clean.train.texts,
    vocab_size=2_000,
    special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
)
bytes_.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
RobertaTokenizerFast(tokenizer_object=bytes_._tokenizer).save_pretrained(
    "models/roberta"
)
config = RobertaConfig(
    vocab_size=bytes_.get_vocab_size(),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=130,
)
RobertaModel(config).save_pretrained("models/roberta")

roberta = tg.open_encoder("models/roberta")
padded = roberta.tokenize("It is warming", max_tokens=12, long="truncate", pad=True)
print(padded)
print("ids > 0:", (padded.ids > 0).astype(int))
print("mask:   ", padded.mask)
