"""What made-up names are made of, and the words that say nothing about whose they are."""

FIRST_NAMES = (
    *("Abel", "Ada", "Alma", "Amos", "Anita", "Arlo", "Astrid", "Basil", "Bertha", "Blair", "Boris", "Bruno", "Cecil"),
    *("Celia", "Clara", "Cleo", "Conrad", "Cora", "Cyrus", "Dalia", "Della", "Dora", "Edgar", "Edith", "Effie", "Elio"),
    *("Elsa", "Emil", "Enid", "Esther", "Ezra", "Fabian", "Fay", "Felix", "Fern", "Flora", "Frida", "Gerda", "Gideon"),
    *("Gita", "Greta", "Gustav", "Hattie", "Hector", "Hilda", "Hugo", "Ida", "Igor", "Ines", "Inga", "Ione", "Iris"),
    *("Ivan", "Jasper", "Jonas", "Judith", "Juno", "Klara", "Lars", "Leif", "Lena", "Leopold", "Lorna", "Ludwig"),
    *("Mabel", "Magnus", "Maren", "Mathilda", "Milo", "Mina", "Mona", "Nadia", "Nils", "Nora", "Olga", "Olive", "Orla"),
    *("Oscar", "Otto", "Paloma", "Petra", "Philippa", "Quentin", "Ramona", "Rex", "Rhoda", "Rufus", "Ruth", "Selma"),
    *("Sigrid", "Silas", "Sven", "Tabitha", "Thea", "Tobias", "Ulla", "Ursula", "Vera", "Viggo", "Wanda", "Wilma"),
)
BEGINNINGS = (
    *("Alder", "Amber", "Apple", "Ash", "Badger", "Barley", "Bell", "Birch", "Bracken", "Briar", "Cedar", "Cinder"),
    *("Clover", "Copper", "Crane", "Drift", "Dusk", "Elder", "Ember", "Falcon", "Fen", "Finch", "Frost", "Gorse"),
    *("Grouse", "Hazel", "Heron", "Holly", "Ivory", "Juniper", "Kestrel", "Lark", "Linden", "Lupin", "Maple", "Marten"),
    *("Moss", "Nettle", "Osprey", "Otter", "Pebble", "Pewter", "Pine", "Plover", "Quill", "Raven", "Rook", "Rowan"),
    *("Saffron", "Sedge", "Siskin", "Sorrel", "Sparrow", "Swift", "Tallow", "Tansy", "Teal", "Thistle", "Umber"),
    *("Velvet", "Walnut", "Willow", "Wren", "Yarrow"),
)
ENDINGS = (
    *("acre", "bank", "barrow", "beck", "bourne", "bridge", "brook", "burn", "cliff", "combe", "cote", "croft", "dale"),
    *("dene", "fell", "garth", "gate", "grange", "grove", "haven", "holme", "hurst", "lea", "loch", "mere", "moor"),
    *("mount", "nook", "pool", "reach", "rigg", "shaw", "spring", "stead", "stow", "thorpe", "thwaite", "vale", "wick"),
)

# In the names of companies, streets and plots: whoever bears them shares them with many.
COMMON = frozenset(
    """
    a ac additions addition air all american amended an and apartments architects association at austin bath block blk
    builders building by capital central certified church city cond conditioning condos construction contracting
    contractors control cooling corp corporation county custom design development district division drilling electric
    electrical elevator energy engineering enterprises estates facility fire floor for foundation foundations general
    group heating heat home homes hvac inc incorporated independent industrial installation interests interior
    international investments irrigation kitchen land landscape landscaping lc legal lighting limited llc llp lot lots
    lp ltd maintenance management mechanical metal north of olt on one outlot partners partnership phase plat plumbing
    pool pools power properties property realty refrigeration remodel remodeling rental repair residential
    restoration roof roofing sec section security serv service services sign signs sites solar solutions south
    specialists sprinkler state sub subd subdivision subdn supply systems tech technologies texas the trust tx unit
    units university water west east wireless co company school schools isd services blvd dr ln rd st ave cv ct cir trl
    pl way loop ter pkwy hwy bldg ste apt bnd xing pass path run cove drive lane road street avenue court circle trail
    jr sr ii iii iv etal trustee trustees ttee est life family living revocable
    """.split()  # noqa: SIM905 - read as prose
)
